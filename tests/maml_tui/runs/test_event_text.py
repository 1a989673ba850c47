from __future__ import annotations

from typing import get_args

import pytest

from engine.config.schema import RunConfig
from engine.runs.events import CheckpointEvent, FinishedEvent, RequestEvent, State, StateEvent, WarningEvent
from maml_tui.app.ascii_only import spelt
from maml_tui.runs.event_text import STATE_SIGNS, event_texts


@pytest.fixture
def lines(smoke):
    return lambda event: [(line.kind, line.text) for line in event_texts(event, smoke.config)]


def test_a_meta_update_is_not_worth_a_line(lines, train):
    assert lines(train(3)) == []


def test_a_validation_tells_its_numbers_at_the_scored_step(lines, evaluation):
    assert lines(evaluation(18_000)) == [
        ("eval", "iteration 18,000: val accuracy 30.00 ± 1.00 %, loss 0.7000 ± 0.0100 (600 tasks, 5.2 s)")
    ]


def test_a_final_measurement_says_whose_parameters_it_is_of(lines, evaluation):
    ((_, text),) = lines(evaluation(60, split="test", checkpoint="best"))
    assert text.startswith("best parameters, iteration 60: test accuracy 30.00 ± 1.00 %")


@pytest.mark.parametrize(
    ("contest", "text"),
    [
        ({"improved": True}, "best: accuracy 93.40 % at iteration 17,000"),
        ({"improved": False}, "over accuracy 93.40 % at iteration 17,000"),
    ],
)
def test_a_contest_tells_its_outcome(lines, evaluation, contest, text):
    told = lines(evaluation(18_000, best=0.934, best_iteration=17_000, **contest))
    kind, found = told[1]
    assert kind == "best" and found.endswith(text)


def test_patience_is_counted(evaluation):
    config = RunConfig.model_validate({"training": {"patience": 20}})
    event = evaluation(18_000, best=0.934, best_iteration=17_000, improved=False, patience_left=17)
    assert [line.text for line in event_texts(event, config)][1].endswith("(3 in a row; 20 end training)")


def test_numbers_that_are_not_finite_are_named(lines, evaluation):
    event = evaluation(9)
    broken = tuple(
        one.model_copy(update={"mean": float("nan"), "diverged": 2}) for one in event.measurement.accuracy
    )
    event = event.model_copy(
        update={"measurement": event.measurement.model_copy(update={"accuracy": broken})}
    )
    assert "val accuracy not finite, loss 0.7000 ± 0.0100, 2 diverged" in lines(event)[0][1]


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (
            CheckpointEvent(iteration=9, file="a.pt", bytes=1_363_149, seconds=0.0412, reason="best"),
            ("checkpoint", "a.pt (best), 1.3 MiB in 41 ms"),
        ),
        (
            CheckpointEvent(iteration=9, file="a.pt", bytes=2048, seconds=0.0012, reason="final"),
            ("checkpoint", "a.pt (final), 2.0 KiB in 1 ms"),
        ),
        (WarningEvent(message="odd \x1b[2J"), ("warning", "odd \\x1b[2J")),
        (StateEvent(state="running"), ("state", "running")),
        (StateEvent(state="paused", reason="by request"), ("state", "paused: by request")),
        (RequestEvent(verb="pause", id="1", outcome="accepted"), ("request", "pause accepted")),
        (
            RequestEvent(verb="", id="1", outcome="refused", reason="it is no JSON"),
            ("request", "unreadable request refused: it is no JSON"),
        ),
        (
            FinishedEvent(state="done", iteration=60_000, seconds=7634, reason="all iterations done"),
            ("end", "done at iteration 60,000, 2:07:14 after the start: all iterations done"),
        ),
    ],
)
def test_the_rest_reads_like_this(lines, event, line):
    assert lines(event) == [line]


def test_a_start_tells_where_and_with_what(lines, started):
    assert lines(started()) == [
        ("start", "on cuda:0 (H200) of box, 112,084 parameters, torch 2.12, python 3.11")
    ]
    assert lines(started(resumed_from=18_000))[0][1].startswith("from iteration 18,000 on cuda:0")


@pytest.mark.parametrize("state", get_args(State))
def test_every_state_has_a_sign_that_ascii_can_spell(state):
    sign, role = STATE_SIGNS[state]
    assert len(sign) == 1 and spelt(sign) not in " ?" and role


def test_a_warning_is_marked_as_one(smoke, train):
    (warning,) = event_texts(WarningEvent(message="odd"), smoke.config)
    (state,) = event_texts(StateEvent(state="running"), smoke.config)
    assert (warning.role, state.role) == ("warning", "dim")
