from __future__ import annotations

import pytest
from run_folders import make_run

from engine.runs.events import TrainEvent
from engine.runs.journal import EventWriter
from maml_tui.plotting.scales import Unit
from maml_tui.runs.chart_view import ChartView
from maml_tui.runs.series import Metric, XAxis, training_plot
from maml_tui.runs.watch import RunWatch


@pytest.fixture
def watch(root):
    """A run of 60 iterations of 8 tasks, that has done 33."""
    run = make_run(root)
    with EventWriter(run.events) as writer:
        writer.write(TrainEvent(iteration=33, loss=0.5, iterations_per_second=1, tasks_per_second=8))
    watched = RunWatch(run)
    watched.apply(watched.fetch())
    return watched


def test_the_whole_run_has_room(watch):
    plot = training_plot(watch, ChartView())
    assert plot.x_range == (0, 60)
    assert [one.label for one in plot.series] == ["meta-train", "meta-val"]
    assert training_plot(watch, ChartView(x_axis=XAxis.TASKS)).x_range == (0, 480)


def test_time_goes_on_to_a_round_number(watch):
    plot = training_plot(watch, ChartView(x_axis=XAxis.TIME))
    assert plot.x_unit is Unit.TIME
    low, high = plot.x_range
    assert low <= plot.series[0].x[-1] < high


def test_axes_are_named(watch):
    plot = training_plot(watch, ChartView(metric=Metric.SPEED))
    assert (plot.x_label, plot.y_label) == ("iterations", "Speed, iterations/s")
    assert plot.title == f"demo ({watch.run.id})"
    assert training_plot(watch, ChartView()).y_unit is Unit.PERCENT
