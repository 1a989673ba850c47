"""The plot of several runs, one line each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maml_tui.plotting import Charset
from maml_tui.plotting.glyphs import GLYPHS
from maml_tui.plotting.series import Plot, Stroke
from maml_tui.reports.contender import LETTERS
from maml_tui.runs.series import METRICS, Metric, metrics_of, train_series, validation_series, whole_axis

if TYPE_CHECKING:
    from collections.abc import Sequence

    from maml_tui.plotting.series import Series
    from maml_tui.runs.chart_view import ChartView
    from maml_tui.runs.watch import RunWatch

STROKES = (Stroke.SOLID, Stroke.DASHED, Stroke.DOTTED)

_VALIDATED = (Metric.ACCURACY, Metric.LOSS, Metric.MSE)


def comparison_plot(watches: Sequence[RunWatch], view: ChartView, charset: Charset = Charset.UNICODE) -> Plot:
    """Return the view's metric of every run that has it: on validation tasks where it is measured there.

    A run keeps the colour, letter and stroke of its place among `watches`, whatever is left out.
    """
    shown = [
        (watch, _line(watch, view, slot))
        for slot, watch in enumerate(watches)
        if view.metric in metrics_of(watch.config)
    ]
    ends = [whole_axis(watch, view.x_axis, [line])[1] for watch, line in shown]
    return Plot(
        tuple(line for _, line in shown),
        x_range=(0.0, max(ends, default=1.0)),
        x_unit=view.x_axis.unit,
        y_unit=view.metric.unit,
        charset=charset,
        title=", ".join(f"{LETTERS[line.slot]} {line.label}" for _, line in shown),
        x_label=view.x_axis.value,
        y_label=view.metric.label,
    )


def signs(charset: Charset) -> tuple[str, ...]:
    """Return what the line of each run looks like, in a character."""
    strokes = GLYPHS[charset].strokes
    return tuple(strokes[STROKES[slot % len(STROKES)]] for slot in range(len(LETTERS)))


def metrics_of_all(watches: Sequence[RunWatch]) -> tuple[Metric, ...]:
    """Return the metrics that at least one of the runs has, the one that the first is judged by foremost."""
    known = {metric for watch in watches for metric in metrics_of(watch.config)}
    first = metrics_of(watches[0].config)[:1] if watches else ()
    return (*first, *(metric for metric in METRICS if metric in known and metric not in first))


def without_metric(watches: Sequence[RunWatch], metric: Metric) -> str:
    """Say which runs are not in the plot; empty if all are."""
    lacking = [
        letter
        for letter, watch in zip(LETTERS, watches, strict=False)
        if metric not in metrics_of(watch.config)
    ]
    return f"{', '.join(lacking)} not in the plot: no {metric.value} there" if lacking else ""


def _line(watch: RunWatch, view: ChartView, slot: int) -> Series:
    stroke, name = STROKES[slot % len(STROKES)], watch.record.name
    if view.metric in _VALIDATED and watch.config.training.eval_every:
        return validation_series(watch, view.metric, view.x_axis, slot, stroke, name)
    label = f"{name} (meta-train)" if view.metric in _VALIDATED else name
    return train_series(watch, view.metric, view.x_axis, slot, stroke, label)
