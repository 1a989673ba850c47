from __future__ import annotations

import pytest

from engine.errors import UsageError
from engine.runs.control import pending
from engine.runs.events import RequestEvent
from maml_tui.pages.train.steering import PATIENCE, News, Steering


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def steer(watch_of):
    """Steer a run in some state: (steering, its clock)."""

    def make(state="running", **status):
        clock = Clock()
        return Steering(watch_of(state=state, **status), clock), clock

    return make


def answer(identity, outcome="accepted", reason=""):
    return RequestEvent(verb="x", id=identity, outcome=outcome, reason=reason)


def test_an_answer_is_told_once_to_who_asked(steer):
    steering, _ = steer()
    steering.ask("checkpoint")
    (asked,) = pending(steering.watch.run)
    assert asked.verb == "checkpoint"
    assert list(steering.news([answer("somebody else's")])) == []
    assert list(steering.news([answer(asked.id)])) == [News("checkpoint: a checkpoint is written")]
    assert list(steering.news([answer(asked.id)])) == []


def test_a_refusal_is_told_with_its_reason(steer):
    steering, _ = steer()
    steering.ask("pause")
    (asked,) = pending(steering.watch.run)
    assert list(steering.news([answer(asked.id, "refused", "it is paused already")])) == [
        News("pause refused: it is paused already", problem=True)
    ]


def test_silence_is_told_once_and_a_late_answer_still(steer):
    steering, clock = steer()
    steering.ask("evaluate")
    (asked,) = pending(steering.watch.run)
    clock.now = PATIENCE
    assert list(steering.news([])) == []
    clock.now += 0.1
    (late,) = steering.news([])
    assert late.problem and "no answer within 10 s" in late.text
    assert list(steering.news([])) == []
    assert list(steering.news([answer(asked.id)])) == [
        News("evaluate: it is measured on the validation tasks")
    ]


def test_a_run_that_ends_without_an_answer(steer):
    steering, _ = steer()
    steering.ask("stop", "now")
    steering.watch.status = steering.watch.status.model_copy(update={"state": "done"})
    assert list(steering.news([])) == [News("stop: the run ended before it answered", problem=True)]
    assert list(steering.news([])) == []


@pytest.mark.parametrize(
    ("state", "verb"), [("running", "pause"), ("paused", "resume"), ("warming-up", "pause")]
)
def test_one_key_pauses_and_resumes(steer, state, verb):
    steering, _ = steer(state)
    steering.pause_or_resume()
    assert [asked.verb for asked in pending(steering.watch.run)] == [verb]


def test_nobody_is_there_to_ask(steer):
    with pytest.raises(UsageError, match="is done, not live"):
        steer("done")[0].ask("pause")
