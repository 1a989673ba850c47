from __future__ import annotations

import pytest

from engine.runs.status import Status
from maml_tui.runs.stop_choices import kill_loss, ways


def status(**changes):
    values = {"state": "running", "iteration": 18_400, "iterations_per_second": 2.41, "host": "box"}
    return Status(name="demo", created=1.0, heartbeat=1.0, **values | changes)


def effects(**changes):
    return {way.decision: way.effect for way in ways("7f3a", status(**changes), 18_000, "box")}


def test_each_way_says_what_it_loses_and_the_command_that_does_the_same():
    assert [(way.key, way.effect, way.command) for way in ways("7f3a", status(), 18_000, "box")] == [
        ("d", "close this window, the run goes on", "maml attach 7f3a"),
        ("g", "finish the iteration, checkpoint, measure, end", "maml stop 7f3a"),
        ("n", "checkpoint at this iteration and end, unmeasured", "maml stop 7f3a --now"),
        ("k", "SIGKILL; loses what came after 18,000 (400 it, 2:46)", "maml stop 7f3a --kill"),
    ]


@pytest.mark.parametrize(
    ("changes", "saved", "words"),
    [
        ({}, None, "loses all, it has no checkpoint (18,400 it, 2:07:15)"),
        ({"iterations_per_second": None}, 18_000, "loses what came after 18,000 (400 it)"),
        ({"iteration": 18_000}, 18_000, "loses nothing: all is in the checkpoint"),
        ({"measured": 0.5}, 18_400, "the result is lost, the training is saved"),
    ],
)
def test_what_a_kill_loses(changes, saved, words):
    assert kill_loss(status(**changes), saved) == words


def test_the_words_fit_the_state():
    assert "stays paused" in effects(state="paused")["detach"]
    assert effects(state="warming-up")["graceful"].startswith("once it trains, ")
    assert effects(state="warming-up")["now"].startswith("once it trains, ")
    measuring = effects(state="stopping", measured=0.3)
    assert "let it finish measuring" in measuring["graceful"] and "the result is lost" in measuring["now"]


def test_a_worker_elsewhere_cannot_be_killed_from_here():
    refusals = {way.decision: way.refusal for way in ways("7f3a", status(host="gpubox\n03"), 0, "laptop")}
    assert refusals.pop("kill") == "its worker is on gpubox\\n03: kill it there"
    assert not any(refusals.values())
