"""How long a run takes to start: seconds from the command to its first meta-iteration.

    python tests/benchmarks/start.py [--preset smoke] [--times 5]

Every time is printed, in a new process each; the first finds less in the system's caches than the others.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "support")]

from pseudo_terminal import MAML  # noqa: E402

from engine.runs.index import find_run  # noqa: E402
from engine.runs.launch import kill_worker  # noqa: E402


def start(preset, name):
    """Start a run and return the seconds until it tells of its first iteration."""
    began = time.monotonic()
    command = [*MAML, "train", preset, "--name", name, "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        next(line for line in process.stdout if '"kind":"train"' in line)
        seconds = time.monotonic() - began
        process.kill()
    kill_worker(find_run(name))
    return seconds


def main():
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--preset", default="smoke")
    options.add_argument("--times", type=int, default=5)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as home:
        os.environ["MAML_STATE_DIR"] = home
        for number in range(chosen.times):
            print(f"{start(chosen.preset, f'run{number}'):.2f} s", flush=True)


if __name__ == "__main__":
    main()
