"""Mutational fuzzing of every way in, for as long as one likes.

    python tests/benchmarks/fuzz.py [--minutes 5] [--seed 0] [--only DOOR]

Spoils examples of what is welcome. What a door answers with a sentence not heard before, or takes, becomes an example
too, so that damage piles up on damage. Prints how often each door was knocked at and how many different sentences
refused; stops at nothing, and keeps what broke a door in the current folder as DOOR-NUMBER.crash.
"""

from __future__ import annotations

import argparse
import random
import re
import sys
import tempfile
import time
import traceback
from collections import Counter
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "support")]

from doors import Doors, knock, spoil  # noqa: E402

SLOW = 5.0  # seconds that no answer may take
MOST_EXAMPLES = 200


def shape(sentence):
    """Return a sentence without what differs from knock to knock."""
    return re.sub(r"'[^']*'|\"[^\"]*\"|\d+|/\S+", "_", sentence)[:200]


def main():
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--minutes", type=float, default=5.0)
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--only", default="")
    chosen = options.parse_args()
    rng = random.Random(chosen.seed)
    with tempfile.TemporaryDirectory() as folder:
        doors = Doors(folder)
        names = [name for name in doors.all if chosen.only in name]
        examples = {name: [doors.welcome(name)] for name in names}
        knocks, broken, heard = Counter(), Counter(), {name: set() for name in names}
        end = time.monotonic() + chosen.minutes * 60
        while time.monotonic() < end:
            name = rng.choice(names)
            content = spoil(rng.choice(examples[name]), rng)
            knocks[name] += 1
            began = time.monotonic()
            try:
                with redirect_stdout(StringIO()), redirect_stderr(StringIO()):
                    sentence = shape(knock(doors.all[name], content, folder))
                if time.monotonic() - began > SLOW:
                    raise TimeoutError(f"it took {time.monotonic() - began:.1f} s")
            except Exception:
                broken[name] += 1
                Path(f"{name}-{knocks[name]}.crash").write_bytes(content)
                print(f"{name}-{knocks[name]}:", traceback.format_exc(limit=-3), flush=True)
                continue
            if sentence not in heard[name] and len(examples[name]) < MOST_EXAMPLES:
                heard[name].add(sentence)
                examples[name].append(content)
    for name in names:
        print(f"{name:14} {knocks[name]:8,} knocks {len(heard[name]):5} sentences {broken[name]:4} broken")
    print(
        f"seed {chosen.seed}: {knocks.total():,} executions in {chosen.minutes} min, {broken.total()} broken"
    )
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
