"""A run says which path it takes, and when that changes."""

from __future__ import annotations

import pytest

from engine.acceleration.paths import Path
from engine.runs.directory import RunDirectory
from engine.runs.events import StartedEvent
from engine.runs.journal import EventWriter
from engine.worker import _last_path, _path_warnings

STARTED = {
    "pid": 1,
    "host": "here",
    "device": "cpu",
    "device_name": "a CPU",
    "torch": "2",
    "python": "3",
    "program": "0",
    "iterations": 9,
    "parameters": 5,
}


def test_the_last_path_is_that_of_the_last_start(tmp_path):
    run = RunDirectory(tmp_path)
    with EventWriter(run.events) as events:
        assert _last_path(run) is None
        for path in ("vmap", "by-hand"):
            events.write(StartedEvent(path=path, **STARTED))
    assert _last_path(run) == "by-hand"


@pytest.mark.parametrize(
    ("before", "resumed_from", "said"),
    [(None, None, False), ("by-hand", 7, False), ("vmap", None, False), ("vmap", 7, True)],
)
def test_a_change_of_path_is_said_once_there_is_something_to_resume(before, resumed_from, said):
    first, *others = _path_warnings(Path("by-hand", None, ("slow",)), before, resumed_from)
    assert first == "slow"
    assert [
        "from iteration 7 on this run takes the path by-hand, until there it took vmap" in o for o in others
    ] == ([True] if said else [])
