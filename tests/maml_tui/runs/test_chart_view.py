from __future__ import annotations

from maml_tui.runs.chart_view import SMOOTHINGS, ChartView
from maml_tui.runs.series import Metric, XAxis

VIEW = ChartView(crosshair=5.0, window=(0, 10), follow=True)


def test_metrics_go_round_and_keep_the_place():
    metrics = (Metric.ACCURACY, Metric.LOSS, Metric.SPEED)
    assert VIEW.with_metric(metrics, 1).metric is Metric.LOSS
    assert VIEW.with_metric(metrics, -1).metric is Metric.SPEED
    assert VIEW.with_metric(metrics, -1).with_metric(metrics, 1) == VIEW


def test_another_x_axis_forgets_places_on_the_old_one():
    there = VIEW.with_next_x_axis(tuple(XAxis))
    assert there == ChartView(x_axis=XAxis.TASKS)
    assert VIEW.with_next_x_axis((XAxis.ITERATIONS,)) == VIEW


def test_smoothing_goes_round():
    seen, view = [], ChartView(smoothing=SMOOTHINGS[0])
    for _ in SMOOTHINGS:
        seen.append(view.smoothing)
        view = view.with_next_smoothing()
    assert tuple(seen) == SMOOTHINGS
    assert view.smoothing == SMOOTHINGS[0]


def test_a_reset_shows_everything_and_keeps_the_crosshair():
    assert VIEW.reset() == ChartView(crosshair=5.0)


def test_the_crosshair_alone_does_not_change_the_axes():
    assert VIEW.same_axes(VIEW.reset()) is False
    assert ChartView().same_axes(ChartView(crosshair=3.0))
