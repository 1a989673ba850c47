"""A long life: hours of training while the application comes and goes, and whether anything grows or is left behind.

    python tests/benchmarks/soak.py [--preset sinusoid-5shot] [--minutes 15] [--attached 60]

A worker trains all the time, validating and saving checkpoints. Every so many seconds the application is closed and
opened again. Prints a line a minute and at the end whether memory and files grew and whether a process was left.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import psutil

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "support")]

from pseudo_terminal import MAML, PseudoTerminal  # noqa: E402

from engine.runs.events import LIVE_STATES  # noqa: E402
from engine.runs.index import find_run  # noqa: E402
from engine.runs.launch import kill_worker  # noqa: E402
from engine.runs.requests import send_request  # noqa: E402
from engine.runs.status import current_status  # noqa: E402

LIFE = ["iterations=1000000000", "eval_every=1000", "val_tasks=50", "checkpoint_every=500"]
MEBIBYTE = 2**20


def resident(pid):
    """Return the private memory of a process in MiB; what is mapped from files can be dropped at any time."""
    memory = psutil.Process(pid).memory_full_info()
    return memory.uss / MEBIBYTE


def size(run, name=""):
    """Return the bytes of a file of the run or, without a name, of all that lies in its folder but the journal."""
    if name:
        return (run.path / name).stat().st_size
    files = [path for path in run.path.rglob("*") if path.is_file() and path != run.events]
    return sum(path.stat().st_size for path in files)


def sample(run, window, minutes):
    """Print a line and return it: minutes, iterations, memory of worker and application, journal, other files."""
    status = current_status(run)
    assert status.state in LIVE_STATES, f"the run is {status.state}: {status.reason}"
    row = (
        minutes,
        status.iteration,
        resident(status.pid),
        resident(window.process.pid),
        size(run, "events.jsonl") / 1024,
        size(run) / 1024,
    )
    print("{:7.1f} {:10,} {:11.1f} {:8.1f} {:12.1f} {:10.1f}".format(*row), flush=True)
    return row


def attach(run):
    window = PseudoTerminal("attach", run.id)
    window.wait_for("(?i)running")
    return window


def leave(window):
    window.send("q")
    assert window.end() == 0
    window.close()


def live(run, minutes, attached):
    """Let the run live, and return what was sampled."""
    print("minutes iterations  worker MiB  app MiB  journal KiB  other KiB")
    began, rows = time.monotonic(), []
    while (passed := (time.monotonic() - began) / 60) < minutes:
        window = attach(run)
        send_request(run, "evaluate")
        for page in "13452":
            window.send(page)
            time.sleep(attached / 5)
        rows.append(sample(run, window, passed))
        leave(window)
    return rows


def conclude(rows, minutes):
    times, iterations, worker, app, journal, other = np.array(rows).T
    half = len(rows) // 2
    for name, values in (("worker", worker), ("application", app)):
        first, second = values[1:half].mean(), values[half:].mean()
        print(f"memory of the {name}: {first:.1f} MiB in the first half, {second:.1f} in the second")
    slope = (journal[-1] - journal[half]) / (times[-1] - times[half]) * 60
    print(
        f"journal: {slope:,.0f} KiB an hour in the second half; at {iterations[-1] / times[-1] / 60:,.0f} it/s"
    )
    print(
        f"all other files: {other.min():.0f} to {other.max():.0f} KiB; {len(rows)} times attached, {minutes} min"
    )


def main():
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--preset", default="sinusoid-5shot")
    options.add_argument("--minutes", type=float, default=15.0)
    options.add_argument("--attached", type=float, default=60.0)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as home:
        os.environ["MAML_STATE_DIR"] = home
        words = [word for pair in LIFE for word in ("-s", pair)]
        command = [*MAML, "train", chosen.preset, *words, "--detach", "-q"]
        run = find_run(subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip())
        try:
            conclude(live(run, chosen.minutes, chosen.attached), chosen.minutes)
        finally:
            kill_worker(run)
            time.sleep(1)
        left = [
            process.pid
            for process in psutil.process_iter(["environ"])
            if home in str(process.info["environ"])
        ]
        print(f"processes left over: {[pid for pid in left if pid != os.getpid()] or 'none'}")


if __name__ == "__main__":
    main()
