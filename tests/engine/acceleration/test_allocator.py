"""Freed memory is kept."""

from __future__ import annotations

import subprocess
import sys

import pytest

SCRIPT = """
import resource, torch
{setting}
def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    torch.ones(20_000_000)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
print(sorted(faults() for _ in range(30))[15])
"""
KEEP = "from engine.acceleration.device import keep_freed_memory; keep_freed_memory()"


GIVE_BACK = """
import psutil, torch
{keep}
from engine.acceleration.device import give_back_freed_memory
def resident():
    return psutil.Process().memory_info().rss >> 20
before, large = resident(), torch.ones(50_000_000)
del large
kept = resident() - before
give_back_freed_memory()
print(kept, resident() - before)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="tells glibc")
def test_what_was_kept_is_given_back_when_asked_for():
    done = subprocess.run(
        [sys.executable, "-c", GIVE_BACK.format(keep=KEEP)], capture_output=True, check=True
    )
    kept, rest = map(int, done.stdout.split())
    assert rest < 50 < 150 < kept


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="tells glibc")
def test_a_large_tensor_takes_the_pages_of_one_before():
    usual, kept = (
        int(
            subprocess.run(
                [sys.executable, "-c", SCRIPT.format(setting=setting)], capture_output=True, check=True
            ).stdout
        )
        for setting in ("", KEEP)
    )
    assert kept < 100 < 1000 < usual


def test_nothing_happens_elsewhere(monkeypatch):
    from engine.acceleration import device as allocator

    monkeypatch.setattr(allocator.sys, "platform", "darwin")
    monkeypatch.setattr(allocator.ctypes, "CDLL", lambda name: pytest.fail("no glibc here"))
    allocator.keep_freed_memory()
    allocator.give_back_freed_memory()
