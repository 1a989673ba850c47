from __future__ import annotations

import math

import numpy as np
import pytest

from engine.config.record import RunRecord
from engine.config.resolve import ResolvedConfig
from engine.runs.directory import create_run
from engine.runs.result import Result, Scores, write_result, write_scores
from maml_tui.reports.contender import outcome_of, stored_contenders


@pytest.fixture
def finished(configured, report, tmp_path):
    """A run on disk, with a result and the scores that belong to it."""
    config = configured("smoke")
    found = report(config, [0.5, 0.7, 0.9], step=3)
    run = create_run("demo", RunRecord(ResolvedConfig(config), "demo").to_toml, tmp_path)
    result = {
        "name": "demo",
        "state": "done",
        "iterations": 60,
        "seconds": 7.0,
        "parameters_sha256": "0" * 64,
    }
    write_result(
        run.result, Result(**result, **found.model_dump(include={"run", "measurements", "fingerprint"}))
    )
    write_scores(run.scores, found.scores)
    return run


def test_a_finished_run_brings_its_result_and_scores(finished):
    one, other = stored_contenders([finished, finished], "last")
    assert (one.letter, other.letter, one.run, one.status.name) == ("A", "B", finished, "demo")
    assert one.outcome.step == one.config.evaluation.eval_steps == 3
    assert one.outcome.at.mean == pytest.approx(0.7)
    assert one.outcome.scores.tolist() == np.float32([0.5, 0.7, 0.9]).tolist()


def test_parameters_that_were_not_measured(finished):
    assert stored_contenders([finished], "best")[0].outcome is None
    finished.result.unlink()
    assert stored_contenders([finished], "last")[0].outcome is None


def test_a_result_of_an_old_version_has_no_scores(finished):
    finished.scores.unlink()
    (one,) = stored_contenders([finished], "last")
    assert one.outcome.at.mean == pytest.approx(0.7) and one.outcome.scores is None


@pytest.mark.parametrize("scores", [[0.5, 0.7], [0.5, 0.7, 0.8], [0.5, 0.7, math.nan], []])
def test_scores_of_another_result_are_not_taken_for_its_own(finished, scores):
    write_scores(finished.scores, Scores.of(3, {"last": np.float32(scores)}))
    assert stored_contenders([finished], "last")[0].outcome.scores is None


def test_diverged_tasks_do_not_hide_whose_scores_they_are(configured, report):
    config = configured("sinusoid-10shot")
    found = report(config, [0.5, math.nan, math.inf])
    assert outcome_of(config, found, found.scores, "last").scores is not None


def test_a_run_measured_anew(contender, report):
    one = contender("A")
    assert one.outcome is None
    found = report(one.config, [0.1, 0.2], step=5)
    outcome = one.measured_anew(found, "last").outcome
    assert (outcome.step, outcome.measured.iteration) == (5, 60)
    assert len(outcome.scores) == 2
