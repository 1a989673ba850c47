"""Train the same configurations with two checkouts and compare every bit of what they found.

    python tests/benchmarks/same_results.py OLD NEW [--only smoke,sinusoid] [--keep FOLDER]

OLD and NEW are checkouts of this repository. Each trains every case below in a process of its own; the parameters'
hash and all measurements of the two `result.json` must be equal. Exit code 1 if any differs. With `--keep`, runs
already in FOLDER are not trained again. Cases that need Omniglot are skipped where it is not imported.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

CASES = {
    "smoke": ["smoke"],
    "sinusoid": ["sinusoid-10shot", "-s", "iterations=2000"],
    "sinusoid-native": ["sinusoid-10shot", "-s", "iterations=10000"],
    "sinusoid-fomaml": ["sinusoid-10shot", "-s", "iterations=500", "-s", "algorithm=fomaml"],
    "sinusoid-pretrained": ["sinusoid-10shot", "-s", "iterations=1000", "-s", "algorithm=pretrained"],
    "sinusoid-scratch": ["sinusoid-10shot", "-s", "algorithm=scratch"],
    "sinusoid-oracle": ["sinusoid-10shot", "-s", "iterations=1000", "-s", "algorithm=oracle"],
    "strokes": ["strokes-5w1s", "-s", "iterations=300"],
    "strokes-fomaml": ["strokes-5w1s", "-s", "iterations=60", "-s", "algorithm=fomaml"],
    "strokes-pretrained": ["strokes-5w1s", "-s", "iterations=60", "-s", "algorithm=pretrained"],
    "strokes-prototypical": ["strokes-5w1s", "-s", "iterations=60", "-s", "algorithm=prototypical"],
    "strokes-scratch": ["strokes-5w1s", "-s", "algorithm=scratch", "-s", "eval_tasks=100"],
    "strokes-inductive": [
        "strokes-5w1s",
        "-s",
        "iterations=20",
        "-s",
        "eval_mode=inductive",
        "-s",
        "eval_tasks=100",
    ],
    "omniglot": ["omniglot-5w1s", "-s", "iterations=100", "-s", "eval_tasks=200"],
}


def main() -> int:
    """Run the comparison; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("checkouts", nargs=2, type=Path, metavar=("OLD", "NEW"))
    parser.add_argument("--only", default=",".join(CASES), help="cases, separated by commas")
    parser.add_argument("--keep", type=Path, help="folder that keeps the runs")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.keep or Path(scratch)
        rows = [compare(name, options.checkouts, folder) for name in options.only.split(",")]
    return 1 if "DIFFERENT" in rows or "FAILED" in rows else 0


def compare(name: str, checkouts: list[Path], folder: Path) -> str:
    """Train one case twice and print whether the results agree."""
    found = [result(name, checkout.resolve(), folder) for checkout in checkouts]
    old, new = (None if one is None else (one["parameters_sha256"], one["measurements"]) for one in found)
    verdict = "skipped" if old is None and new is None else "FAILED" if None in (old, new) else "same"
    if verdict == "same" and old != new:
        verdict = "DIFFERENT"
    print(f"{name:22}{verdict:11}{(old or ('', ''))[0][:16]:18}{(new or ('', ''))[0][:16]}", flush=True)
    return verdict


def result(name: str, checkout: Path, folder: Path) -> dict | None:
    """Return the `result.json` of a case trained by a checkout; None if it could not be trained."""
    state = folder / checkout.name / name
    if not list(state.glob("runs/*/result.json")):
        environment = os.environ | {"PYTHONPATH": str(checkout), "MAML_STATE_DIR": str(state)}
        command = [sys.executable, "-P", "-c", "from maml_tui.cli import main; main()", "train", *CASES[name]]
        done = subprocess.run(
            [*command, "--plain"], env=environment, cwd=folder, capture_output=True, text=True, check=False
        )
        if done.returncode:
            print(f"{name}: {checkout}: {done.stderr.strip().splitlines()[-1:]}", file=sys.stderr)
    return next((json.loads(path.read_text()) for path in state.glob("runs/*/result.json")), None)


if __name__ == "__main__":
    sys.exit(main())
