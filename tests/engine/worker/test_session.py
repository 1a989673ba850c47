"""What a worker does when it is asked for something before it has taken an iteration: nothing here is a race."""

from __future__ import annotations

import forked_worker
import pytest
from short_run import SINUSOID, events_of, new_run, outcome

from engine.runs.checkpoints import read_pointer
from engine.runs.events import EvaluationEvent, RequestEvent
from engine.runs.result import read_result
from engine.runs.status import read_status

PAUSE, EVALUATE = ("pause", None), ("evaluate", None)
GRACEFUL, NOW = ("stop", "graceful"), ("stop", "now")


def asked(run, *requests):
    """Let a worker work on `run` that is asked for something as soon as it is ready to train."""
    assert forked_worker.work(run, "asked", *requests) == 0, run.log.read_text()


def answers(run):
    return [(e.verb, e.outcome) for e in events_of(run) if isinstance(e, RequestEvent)]


def measured(run):
    return [e.split for e in events_of(run) if isinstance(e, EvaluationEvent)]


def test_a_request_made_while_it_warms_up_is_obeyed(tmp_path):
    run = new_run(tmp_path)
    asked(run, NOW)
    assert read_status(run).reason == "stopped at iteration 1 of 40 by request"


def test_now_is_not_softened(tmp_path):
    run = new_run(tmp_path)
    asked(run, NOW, GRACEFUL)
    assert answers(run) == [("stop", "accepted")] * 2
    assert read_result(run.result) is None


@pytest.mark.parametrize("stop", [GRACEFUL, NOW])
def test_a_stop_calls_a_validation_off(tmp_path, stop):
    run = new_run(tmp_path, "eval_every=1")
    asked(run, PAUSE, stop)
    assert read_status(run).reason == "stopped at iteration 1 of 40 by request"
    assert sorted(answers(run)) == [("pause", "refused"), ("stop", "accepted")]
    assert measured(run) == (["test"] if stop == GRACEFUL else [])
    assert read_status(run).validated is None


def test_a_graceful_stop_leaves_the_last_validation_to_be_made(tmp_path):
    run = new_run(tmp_path, "iterations=1", "eval_every=1")
    asked(run, GRACEFUL)
    assert measured(run) == ["val", "test"]


def test_a_stop_calls_a_measurement_off_that_was_asked_for(tmp_path):
    run = new_run(tmp_path)
    asked(run, EVALUATE, NOW)
    assert answers(run) == [("evaluate", "accepted"), ("stop", "accepted")]
    assert measured(run) == []


@pytest.mark.parametrize("iterations", [1, 4])
@pytest.mark.parametrize("algorithm", ["maml", "pretrained"])
def test_stopped_amid_validations_it_ends_as_if_undisturbed(tmp_path, iterations, algorithm):
    others = [value for value in SINUSOID if not value.startswith(("iterations", "eval_every"))]
    usual = (*others, f"iterations={iterations}", "eval_every=1", f"algorithm={algorithm}")
    undisturbed, disturbed = (new_run(tmp_path, usual=usual) for _ in range(2))
    assert forked_worker.work(undisturbed) == 0
    for _ in range(2):
        asked(disturbed, NOW)
        assert read_pointer(disturbed, "latest").iteration == 1
        assert measured(disturbed) == []
    assert forked_worker.work(disturbed) == 0
    assert outcome(disturbed) == outcome(undisturbed)
    assert read_pointer(disturbed, "latest").sha256 == read_pointer(undisturbed, "latest").sha256
