from __future__ import annotations

import numpy as np
import pytest

from engine.config.schema import RunConfig
from maml_tui.plotting.scales import Unit
from maml_tui.plotting.series import Stroke
from maml_tui.runs.series import Metric, XAxis, metrics_of, series_for
from maml_tui.runs.watch import RunWatch


@pytest.fixture
def watch(run, write, started, train, evaluation):
    write(started(100), train(10, 110), evaluation(20, 125), train(30, 130, loss=None))
    watched = RunWatch(run)
    watched.apply(watched.fetch())
    return watched


def test_validation_lies_over_training(watch):
    train, val = series_for(watch, Metric.ACCURACY, XAxis.ITERATIONS)
    assert (train.label, train.letter, train.stroke, train.band) == ("meta-train", "B", Stroke.DASHED, None)
    assert (val.label, val.letter, val.stroke) == ("meta-val", "A", Stroke.SOLID)
    assert train.x.tolist() == [10, 30]
    assert train.y.tolist() == [0.9, 0.9]


def test_validation_is_taken_at_the_scored_step_with_its_interval(watch):
    _, val = series_for(watch, Metric.ACCURACY, XAxis.ITERATIONS)
    assert watch.config.evaluation.eval_steps == 3
    assert (val.x.tolist(), val.y.tolist()) == ([20], [0.3])
    assert np.allclose([edge[0] for edge in val.band], [0.29, 0.31])
    _, loss = series_for(watch, Metric.LOSS, XAxis.ITERATIONS)
    assert loss.y.tolist() == [0.7]


def test_a_loss_that_is_not_finite_is_a_gap(watch):
    train, _ = series_for(watch, Metric.LOSS, XAxis.ITERATIONS)
    assert np.isnan(train.y).tolist() == [False, True]


@pytest.mark.parametrize(("axis", "places"), [(XAxis.TASKS, [80, 240]), (XAxis.TIME, [10, 30])])
def test_other_axes(watch, axis, places):
    train, val = series_for(watch, Metric.LOSS, axis)
    assert watch.config.training.meta_batch_size == 8
    assert train.x.tolist() == places
    assert val.x.tolist() == [160 if axis is XAxis.TASKS else 25]


@pytest.mark.parametrize(("metric", "value"), [(Metric.GRAD_NORM, 1.5), (Metric.SPEED, 2.0)])
def test_what_only_training_has_is_one_plain_line(watch, metric, value):
    (line,) = series_for(watch, metric, XAxis.ITERATIONS)
    assert (line.letter, line.stroke) == ("A", Stroke.SOLID)
    assert line.y.tolist() == [value, value]


def test_before_the_first_record_there_are_no_samples(run):
    assert [len(one.x) for one in series_for(RunWatch(run), Metric.ACCURACY, XAxis.TIME)] == [0, 0]


def test_a_regression_is_judged_by_mse(smoke):
    assert metrics_of(RunConfig()) == (Metric.MSE, Metric.GRAD_NORM, Metric.SPEED)
    assert metrics_of(smoke.config) == (Metric.ACCURACY, Metric.LOSS, Metric.GRAD_NORM, Metric.SPEED)
    assert [metric.unit for metric in metrics_of(smoke.config)] == [Unit.PERCENT, *[Unit.NUMBER] * 3]
