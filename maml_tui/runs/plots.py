"""The plots of one run's training."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.text import printable
from maml_tui.plotting import Charset
from maml_tui.plotting.scales import nice_range
from maml_tui.plotting.series import Plot
from maml_tui.runs.series import XAxis, series_for

if TYPE_CHECKING:
    from collections.abc import Sequence

    from maml_tui.plotting.scales import Interval
    from maml_tui.plotting.series import Series
    from maml_tui.runs.chart_view import ChartView
    from maml_tui.runs.watch import RunWatch


def training_plot(watch: RunWatch, view: ChartView, charset: Charset = Charset.UNICODE) -> Plot:
    """Return the view's metric against its x-axis, over the whole length of the run."""
    series = series_for(watch, view.metric, view.x_axis)
    return Plot(
        series,
        x_range=whole_axis(watch, view.x_axis, series),
        x_unit=view.x_axis.unit,
        y_unit=view.metric.unit,
        charset=charset,
        title=f"{printable(watch.record.name)} ({printable(watch.run.id)})",
        x_label=view.x_axis.value,
        y_label=view.metric.label,
    )


def whole_axis(watch: RunWatch, axis: XAxis, series: Sequence[Series]) -> Interval:
    """Return the x-axis from the run's start to its end; of time, to a round number after the newest sample."""
    newest = max((float(one.x[-1]) for one in series if len(one.x)), default=0.0)
    if axis is XAxis.TIME:
        return nice_range(0.0, newest)
    training = watch.config.training
    tasks = training.meta_batch_size if axis is XAxis.TASKS else 1
    return 0.0, max(float(training.iterations * tasks), newest)
