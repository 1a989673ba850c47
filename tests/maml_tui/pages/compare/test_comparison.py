from __future__ import annotations

import pytest

from maml_tui.pages.compare.state import comparison_plot, metrics_of_all, signs, without_metric
from maml_tui.plotting import Charset
from maml_tui.plotting.series import Stroke
from maml_tui.runs.chart_view import ChartView
from maml_tui.runs.series import Metric, XAxis


@pytest.fixture
def smoke(watch_of, records):
    """A classification of 60 iterations, trained to 33 and validated once."""
    return watch_of(records.trained(33), records.validation(20))


@pytest.fixture
def sinusoid(watch_of, records):
    """A regression of 70,000 iterations."""
    return watch_of(records.trained(33), preset="sinusoid-10shot")


def test_every_run_has_one_line_with_its_band(smoke):
    plot = comparison_plot([smoke] * 4, ChartView())
    assert [(one.slot, one.letter, one.label) for one in plot.series] == [
        (slot, letter, "demo") for slot, letter in enumerate("ABCD")
    ]
    assert [one.stroke for one in plot.series] == [Stroke.SOLID, Stroke.DASHED, Stroke.DOTTED, Stroke.SOLID]
    assert all(one.band is not None and one.x.tolist() == [20] for one in plot.series)
    assert plot.title.startswith("A demo, B demo")
    assert (plot.x_label, plot.y_label) == ("iterations", "Accuracy")


def test_metrics_that_do_not_fit_together_are_not_overlaid(smoke, sinusoid):
    runs = [sinusoid, smoke, sinusoid]
    plot = comparison_plot(runs, ChartView(metric=Metric.ACCURACY))
    assert [(one.letter, one.stroke) for one in plot.series] == [("B", Stroke.DASHED)]
    assert without_metric(runs, Metric.ACCURACY) == "A, C not in the plot: no accuracy there"
    assert without_metric(runs, Metric.SPEED) == ""
    assert [one.letter for one in comparison_plot(runs, ChartView(metric=Metric.MSE)).series] == ["A", "C"]


def test_metrics_of_all_runs_the_first_runs_own_before_the_others(smoke, sinusoid):
    assert metrics_of_all([sinusoid, smoke])[:3] == (Metric.MSE, Metric.ACCURACY, Metric.LOSS)
    assert metrics_of_all([smoke]) == (Metric.ACCURACY, Metric.LOSS, Metric.GRAD_NORM, Metric.SPEED)
    assert metrics_of_all([]) == ()


def test_what_is_not_validated_is_taken_from_training(watch_of, records, smoke):
    speed = comparison_plot([smoke], ChartView(metric=Metric.SPEED)).series[0]
    assert speed.band is None and speed.x.tolist() == [33] and speed.label == "demo"
    never = watch_of(records.trained(33), overrides=["eval_every=0"])
    accuracy = comparison_plot([never], ChartView()).series[0]
    assert accuracy.y.tolist() == [0.95] and accuracy.label == "demo (meta-train)"


def test_the_x_axis_has_room_for_the_longest_run(watch_of, smoke):
    longer = watch_of(overrides=["iterations=90"])
    assert comparison_plot([smoke, longer], ChartView()).x_range == (0, 90)
    assert comparison_plot([smoke, longer], ChartView(x_axis=XAxis.TASKS)).x_range == (0, 720)
    assert comparison_plot([], ChartView()).x_range == (0, 1)


def test_signs_tell_lines_apart_without_colour():
    assert "".join(signs(Charset.UNICODE)) == "━╌┈━╌┈"
    assert "".join(signs(Charset.ASCII)).isascii()
