"""A run's history as series, and the plot of its training."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from engine.text import printable
from maml_tui.plotting import Charset
from maml_tui.plotting.scales import Floats, Interval, Unit, nice_range
from maml_tui.plotting.series import Plot, Series, Stroke

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.config.schema import RunConfig
    from engine.runs.events import AtStep, Measurement
    from maml_tui.runs.chart_view import ChartView
    from maml_tui.runs.watch import RunWatch


class Metric(StrEnum):
    """What is plotted."""

    ACCURACY = "accuracy"
    LOSS = "loss"
    MSE = "mse"
    GRAD_NORM = "grad norm"
    SPEED = "speed"

    @property
    def unit(self) -> Unit:
        """What its numbers are."""
        return Unit.PERCENT if self is Metric.ACCURACY else Unit.NUMBER

    @property
    def label(self) -> str:
        """Its name at an axis or above a plot."""
        return _LABELS.get(self, self.value.capitalize())


class XAxis(StrEnum):
    """What it is plotted against."""

    ITERATIONS = "iterations"
    TASKS = "tasks"
    TIME = "time"

    @property
    def unit(self) -> Unit:
        """What its numbers are."""
        return Unit.TIME if self is XAxis.TIME else Unit.COUNT


METRICS = tuple(Metric)

_LABELS = {Metric.MSE: "MSE", Metric.GRAD_NORM: "Gradient norm", Metric.SPEED: "Speed, iterations/s"}
_MEASURED = (Metric.ACCURACY, Metric.LOSS, Metric.MSE)


def metrics_of(config: RunConfig) -> tuple[Metric, ...]:
    """Return the metrics that a run of this configuration has, the one it is judged by first."""
    judged = (Metric.MSE,) if config.is_regression else (Metric.ACCURACY, Metric.LOSS)
    return (*judged, Metric.GRAD_NORM, Metric.SPEED)


def series_for(watch: RunWatch, metric: Metric, x: XAxis) -> tuple[Series, ...]:
    """Return all lines on a metric: meta-training, and over it meta-validation where that measures the metric."""
    if metric not in _MEASURED:
        return (train_series(watch, metric, x, slot=0, stroke=Stroke.SOLID),)
    return train_series(watch, metric, x), validation_series(watch, metric, x)


def train_series(
    watch: RunWatch,
    metric: Metric,
    x: XAxis,
    slot: int = 1,
    stroke: Stroke = Stroke.DASHED,
    label: str = "meta-train",
) -> Series:
    """Return a metric of the meta-updates, each on its own meta-batch."""
    train = watch.history.train
    values = {
        Metric.ACCURACY: train.accuracy,
        Metric.LOSS: train.loss,
        Metric.MSE: train.loss,
        Metric.GRAD_NORM: train.grad_norm,
        Metric.SPEED: train.speed,
    }
    positions = _positions(watch.config, x, train.iteration, train.seconds)
    return Series(label, positions, values[metric], slot=slot, stroke=stroke)


def validation_series(
    watch: RunWatch,
    metric: Metric,
    x: XAxis,
    slot: int = 0,
    stroke: Stroke = Stroke.SOLID,
    label: str = "meta-val",
) -> Series:
    """Return accuracy, loss or mse on the validation tasks at the step that is scored, with 95 % confidence bands."""
    history, config = watch.history, watch.config
    at = [_scored(event.measurement, metric, config.evaluation.eval_steps) for event in history.validations]
    mean, ci95 = np.array([(one.mean, one.ci95) if one else (np.nan, np.nan) for one in at]).reshape(-1, 2).T
    iterations = np.array([event.iteration for event in history.validations], dtype=np.float64)
    positions = _positions(config, x, iterations, history.validation_seconds)
    return Series(label, positions, mean, mean - ci95, mean + ci95, slot, stroke)


def _scored(measurement: Measurement, metric: Metric, step: int) -> AtStep | None:
    series = measurement.accuracy if metric is Metric.ACCURACY else measurement.loss
    return series[min(step, len(series) - 1)] if series else None


def _positions(config: RunConfig, x: XAxis, iterations: Floats, seconds: Floats) -> Floats:
    if x is XAxis.TIME:
        return seconds
    return iterations * (config.training.meta_batch_size if x is XAxis.TASKS else 1)


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
