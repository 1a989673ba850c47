"""Compare the speed of two checkouts in turns: meta-iterations of `maml bench`, and the first paint of the application.

    python tests/benchmarks/same_speed.py OLD NEW [--rounds 9] [--presets smoke,strokes-5w1s]

OLD and NEW are checkouts of this repository. Each round measures both, each in new processes, and changes who goes
first. Printed are both medians and the median of the rounds' ratios NEW / OLD of seconds, with its quartiles: 1.03 is
3 % slower. Leave the machine alone meanwhile.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import pty
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import time
from pathlib import Path

MAML = [sys.executable, "-P", "-c", "from maml_tui.cli import main; main()"]
PAINTED = b"meta-batch"
"""A word of the first page's form; it stands on the screen once the page is painted."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("checkouts", nargs=2, type=Path, metavar=("OLD", "NEW"))
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--presets", default="smoke,strokes-5w1s")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        os.environ.update(MAML_STATE_DIR=home, TERM="xterm-256color")
        measures = {"first paint": lambda checkout: {"first paint": first_paint(checkout)}}
        for preset in filter(None, options.presets.split(",")):
            measures[preset] = lambda checkout, preset=preset: meta_iteration(checkout, preset)
        for measure in measures.values():
            report([pair(measure, options.checkouts, number) for number in range(options.rounds)])


def pair(measure, checkouts, number):
    """Return what both checkouts measure, the old one's first; the odd rounds begin with the new one."""
    found = {checkout: measure(checkout.resolve()) for checkout in checkouts[:: -1 if number % 2 else 1]}
    return [found[checkout] for checkout in checkouts]


def report(rounds):
    """Print a line for each quantity of the rounds."""
    for name in rounds[0][0]:
        old, new = ([one[which][name] for one in rounds] for which in (0, 1))
        low, middle, high = statistics.quantiles([b / a for a, b in zip(old, new, strict=True)], n=4)
        print(
            f"{name:28} old {statistics.median(old):.5f} s  new {statistics.median(new):.5f} s  "
            f"ratio {middle:.3f} [{low:.3f}, {high:.3f}]",
            flush=True,
        )


def meta_iteration(checkout, preset):
    """Return the median seconds of a meta-iteration, by order."""
    command = [*MAML, "bench", preset, "--json"]
    environment = os.environ | {"PYTHONPATH": str(checkout)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    (workload,) = json.loads(done.stdout)
    return {f"{preset} order {row['order']}": row["median"] for row in workload["rows"]}


def first_paint(checkout):
    """Return the seconds until the application has painted its first page."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    environment = os.environ | {"PYTHONPATH": str(checkout)}
    began, written = time.perf_counter(), b""
    with subprocess.Popen(
        MAML, stdin=slave, stdout=slave, stderr=slave, env=environment, start_new_session=True
    ) as process:
        while PAINTED not in written:
            written += os.read(master, 1 << 16)
        seconds = time.perf_counter() - began
        process.kill()
    os.close(slave)
    os.close(master)
    return seconds


if __name__ == "__main__":
    main()
