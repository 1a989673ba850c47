from __future__ import annotations

import numpy as np
import pytest
from run_folders import change_status

from engine.runs.result import Scores, write_result, write_scores
from maml_tui.pages.compare.state import CompareState
from maml_tui.runs.watch import RunWatch


@pytest.fixture
def finish(report, result):
    """Write the result of a run, its scores before it."""

    def write(run, scores):
        found = report(RunWatch(run).config, scores)
        write_scores(run.scores, found.scores)
        write_result(run.result, result.model_copy(update={"measurements": found.measurements}))

    return write


@pytest.fixture
def following(run_with):
    """Two runs that are followed."""
    return CompareState([RunWatch(run_with(state="running")), RunWatch(run_with(state="running", best=0.5))])


def looked_at(following):
    following.apply(following.fetch())
    return following.contenders()


def test_runs_as_they_go_on(following, finish):
    one, other = looked_at(following)
    assert (one.letter, other.letter, one.outcome, one.status.state) == ("A", "B", None, "running")
    assert not following.apply(following.fetch()), "nothing has changed"
    change_status(one.run, state="done")
    finish(one.run, [0.5, 0.75])
    assert following.apply(following.fetch())
    one, _ = following.contenders()
    assert one.status.state == "done" and one.outcome.at.mean == 0.625
    assert one.outcome.scores.tolist() == [0.5, 0.75]


def test_the_best_parameters_are_compared_once_all_have_some(following):
    looked_at(following)
    assert following.at == "last"
    run = following.runs[0]
    change_status(run, best=0.4)
    looked_at(following)
    assert following.at == "best"


def test_what_is_measured_anew_stands_until_a_run_has_a_new_result(following, finish, report):
    config = following.watches[0].config
    looked_at(following)
    following.measured_anew({run: report(config, [0.25, 0.5]) for run in following.runs})
    assert [one.outcome.at.mean for one in looked_at(following)] == [0.375, 0.375]
    change_status(following.runs[0], best=0.4)
    assert following.at == "last" and looked_at(following)[0].outcome, "it is still of the last parameters"
    finish(following.runs[1], [1.0, 1.0])
    assert looked_at(following)[0].outcome is None and following.at == "best"


def test_scores_are_read_with_the_result_they_belong_to(following, finish):
    looked_at(following)
    run = following.runs[0]
    finish(run, [0.5, 0.75])
    looked_at(following)
    write_scores(run.scores, Scores.of(3, {"last": np.float32([9, 9])}))
    assert looked_at(following)[0].outcome.scores.tolist() == [0.5, 0.75]
