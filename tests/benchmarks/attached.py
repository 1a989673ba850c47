"""What watching costs: the speed of a training run with the application attached, and with one whose terminal stalls.

    python tests/benchmarks/attached.py [--preset smoke] [--rounds 40] [--seconds 5]

One worker trains all the time, and one application is attached. Short windows of three kinds follow each other in a
new order each round, so that what else changes on the machine changes for all: the application is held (SIGSTOP) and
so as good as absent, it works, or it works for a terminal that takes nothing. Each window's speed is read from the
run's own journal. Prints the ratios to the windows without it of the same round, mean and 95 % confidence interval.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "support")]

from pseudo_terminal import MAML, PseudoTerminal  # noqa: E402

from engine.runs.events import TrainEvent  # noqa: E402
from engine.runs.index import find_run  # noqa: E402
from engine.runs.journal import EventReader  # noqa: E402
from engine.runs.launch import kill_worker  # noqa: E402

SETTLE_SECONDS = 1.0
KINDS = ("alone", "attached", "stalled")


def speed(run, seconds):
    """Return the iterations per second that the run reports for the next `seconds`."""
    time.sleep(SETTLE_SECONDS)
    reader = EventReader(run.events)
    reader.read()
    time.sleep(seconds)
    seen = [event for event in reader.read() if isinstance(event, TrainEvent)]
    return (seen[-1].iteration - seen[0].iteration) / (seen[-1].time - seen[0].time)


def window(kind, terminal, run, seconds):
    """Return the speed of the run while the application is held, works, or works for a terminal that stalls."""
    terminal.process.send_signal(signal.SIGSTOP if kind == "alone" else signal.SIGCONT)
    if kind == "stalled":
        terminal.reading.clear()
    try:
        return speed(run, seconds)
    finally:
        terminal.reading.set()
        terminal.process.send_signal(signal.SIGCONT)


def main():
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--preset", default="smoke")
    options.add_argument("--rounds", type=int, default=40)
    options.add_argument("--seconds", type=float, default=5.0)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as home:
        os.environ |= {"MAML_STATE_DIR": home}
        endless = ["-s", "iterations=100000000", "-s", "eval_every=0", "-s", "checkpoint_every=0"]
        started = subprocess.run(
            [*MAML, "train", chosen.preset, *endless, "--detach", "-q"],
            capture_output=True,
            text=True,
            check=True,
        )
        run = find_run(started.stdout.strip())
        try:
            terminal = PseudoTerminal("attach", run.id)
            terminal.wait_for("(?i)running")
            measure(run, terminal, chosen)
            terminal.close()
        finally:
            kill_worker(run)


def measure(run, terminal, chosen):
    ratios = {kind: [] for kind in KINDS[1:]}
    for number in range(chosen.rounds):
        order = random.sample(KINDS, len(KINDS))
        found = {kind: window(kind, terminal, run, chosen.seconds) for kind in order}
        for kind, values in ratios.items():
            values.append(found[kind] / found["alone"])
        print(number + 1, {kind: f"{value:.2f} it/s" for kind, value in found.items()}, flush=True)
    for kind, values in ratios.items():
        half = 1.96 * np.std(values, ddof=1) / np.sqrt(len(values))
        print(
            f"{kind} / alone: {np.mean(values):.4f} ± {half:.4f} ({len(values)} rounds, preset {chosen.preset})"
        )


if __name__ == "__main__":
    main()
