"""Which checkpoints are kept as the best, and that neither ties nor resumptions make it a matter of luck."""

from __future__ import annotations

import math
from types import SimpleNamespace

import pytest

from engine.runs.checkpoints import load_best, read_ranking, save_checkpoint
from engine.runs.directory import create_run
from engine.training.checkpoint import standing


@pytest.fixture
def run(tmp_path):
    """A new run."""
    return create_run("demo", lambda _: "", tmp_path / "runs")


@pytest.fixture
def validate(run):
    """Take a value for the validation at an iteration, as a run that keeps two does."""

    def at(iteration, value, best_iteration, metric="accuracy", keep=2):
        state = SimpleNamespace(iteration=iteration, best_iteration=best_iteration)
        place = standing(value, state, read_ranking(run), keep, metric)
        if place is not None:
            save_checkpoint(run, iteration, f"{iteration}".encode(), {"best", "latest"}, standing=place)
        return [record.iteration for record in read_ranking(run)]

    return at


def test_the_best_come_first_and_no_more_are_kept_than_wanted(validate):
    assert validate(10, 0.5, best_iteration=10) == [10]
    assert validate(20, 0.4, best_iteration=10) == [10, 20]
    assert validate(30, 0.3, best_iteration=10) == [10, 20]
    assert validate(40, 0.6, best_iteration=40) == [40, 10]
    assert validate(50, 0.55, best_iteration=40) == [40, 50]


def test_of_errors_the_lowest_is_the_best(validate):
    assert validate(10, 0.5, 10, "mse") == [10]
    assert validate(20, 0.6, 10, "mse") == [10, 20]
    assert validate(30, 0.4, 30, "mse") == [30, 10]


def test_of_equal_ones_the_earlier_is_the_better(validate):
    for iteration in (10, 20, 30):
        ranking = validate(iteration, 0.5, best_iteration=10)
    assert ranking == [10, 20]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_is_none_of_them(validate, value):
    assert validate(10, value, best_iteration=None) == []


def test_one_alone_changes_only_when_the_state_says_so(validate):
    assert validate(10, 0.5, best_iteration=10, keep=1) == [10]
    assert validate(20, 0.5, best_iteration=10, keep=1) == [10]
    assert validate(30, 0.6, best_iteration=30, keep=1) == [30]


def test_training_that_is_taken_up_earlier_comes_to_the_same(validate, run):
    values = {10: 0.5, 20: 0.7, 30: 0.6, 40: 0.65, 50: 0.7}
    best = {10: 10, 20: 20, 30: 20, 40: 20, 50: 20}
    for again_from in values:
        for iteration in [*values, *(later for later in values if later >= again_from)]:
            ranking = validate(iteration, values[iteration], best[iteration])
        assert ranking == [20, 50]
        assert [payload for _, payload in load_best(run, 2)] == [b"20", b"50"]
        for path in run.checkpoints.iterdir():
            path.unlink()
