"""A plot seen through a view: what of it is in sight, and how the view moves over it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from maml_tui.plotting.frame import x_scale, y_extent
from maml_tui.plotting.scales import Interval, Scale, next_range, proper
from maml_tui.runs.series import Metric, XAxis

if TYPE_CHECKING:
    from collections.abc import Sequence

    from maml_tui.plotting.series import Plot


SMOOTHINGS = (0.0, 0.6, 0.9, 0.99)

_T = TypeVar("_T")


@dataclass(frozen=True)
class ChartView:
    """What a person has chosen.

    Attributes:
        smoothing: Factor of the moving average, one of `SMOOTHINGS`.
        crosshair: The position that is read out, or None.
        window: The part of the x-axis that is in sight, or None for all of it.
        follow: Whether the window goes along with the newest sample.
    """

    metric: Metric = Metric.ACCURACY
    x_axis: XAxis = XAxis.ITERATIONS
    log_x: bool = False
    log_y: bool = False
    smoothing: float = 0.9
    band: bool = True
    crosshair: float | None = None
    window: Interval | None = None
    follow: bool = False

    def with_metric(self, metrics: Sequence[Metric], step: int) -> ChartView:
        """Go on to a neighbour in the list of metrics; it may have the same x-axis, so the window stays."""
        return replace(self, metric=_neighbour(metrics, self.metric, step))

    def with_next_x_axis(self, axes: Sequence[XAxis]) -> ChartView:
        """Go on to the next x-axis. Positions on the old one mean nothing there."""
        chosen = _neighbour(axes, self.x_axis, 1)
        return self if chosen is self.x_axis else replace(self.reset(), x_axis=chosen, crosshair=None)

    def with_next_smoothing(self) -> ChartView:
        """Go on to the next factor of the moving average."""
        return replace(self, smoothing=_neighbour(SMOOTHINGS, self.smoothing, 1))

    def reset(self) -> ChartView:
        """Show the whole x-axis."""
        return replace(self, window=None, follow=False)

    def same_axes(self, other: ChartView) -> bool:
        """Return whether two views differ in nothing but the crosshair."""
        return replace(self, crosshair=None) == replace(other, crosshair=None)


def _neighbour(choices: Sequence[_T], chosen: _T, step: int) -> _T:
    return choices[(choices.index(chosen) + step) % len(choices)]


_MIN_WINDOW = 1e-6
"""The smallest part of the x-axis that can be looked at."""

_FOLLOWED = 0.25
"""The part of what has happened that is in sight when following begins, and by how much of itself the window jumps
then: were it to glide, every new sample would repaint the whole plot."""


class Viewport:
    """The window of a view on a plot's whole x-axis: its `x_range`, or the extent of its samples.

    Attributes:
        plot: All data over the whole x-axis.
        low: Where the window begins, as a fraction of the whole.
        high: Where it ends.
    """

    def __init__(self, plot: Plot, view: ChartView) -> None:
        self.plot, self.view = plot, view
        self.whole = x_scale(replace(plot, x_log=view.log_x))
        self.low, self.high = self._window()

    @property
    def x(self) -> Scale:
        """The part of the x-axis that is in sight."""
        if (self.low, self.high) == (0.0, 1.0):
            return self.whole
        low, high = self.whole.value(self.low), self.whole.value(self.high)
        return Scale(*proper(low, high, self.view.log_x), self.view.log_x)

    def framed(self, previous: Interval | None = None) -> Plot:
        """Return the plot as it is seen. The y-range shown last (None for other axes) is kept if it serves."""
        x, view = self.x, self.view
        plot = replace(
            self.plot,
            x_range=(x.low, x.high),
            y_range=None,
            x_log=view.log_x,
            y_log=view.log_y,
            smoothing=view.smoothing,
            band=view.band,
            crosshair=view.crosshair,
        )
        extent = y_extent(plot)
        return replace(plot, y_range=extent and next_range(previous, *extent, view.log_y))

    def pointed(self, fraction: float) -> ChartView:
        """Put the crosshair at a fraction of the window."""
        return self._crosshair(self._inside(fraction))

    def moved(self, step: float) -> ChartView:
        """Move the crosshair by `step` widths of the window, which goes along. It appears at the newest sample."""
        if self.view.crosshair is None:
            return self._crosshair(self._newest())
        at = self._fraction(self.view.crosshair) + step * (self.high - self.low)
        at = min(max(0.0, at), 1.0)
        beyond = min(0.0, at - self.low) + max(0.0, at - self.high)
        moved = self._crosshair(at)
        return self._show(moved, self.low + beyond, self.high + beyond) if beyond else moved

    def zoomed(self, factor: float, about: float | None = None) -> ChartView:
        """Make the window `factor` times as wide. The fraction `about` of it stays in its place.

        None stands for the crosshair, the newest sample where the window follows it, or else the middle.
        """
        centre = self._centre() if about is None else self._inside(about)
        return self._show(
            self.view, centre - factor * (centre - self.low), centre + factor * (self.high - centre)
        )

    def panned(self, step: float) -> ChartView:
        """Move the window by `step` times its width; it does not follow any more."""
        shift = step * (self.high - self.low)
        return self._show(replace(self.view, follow=False), self.low + shift, self.high + shift)

    def followed(self) -> ChartView:
        """Begin to follow the newest sample, or end it."""
        if self.view.follow:
            return self._show(replace(self.view, follow=False), self.low, self.high)
        view, newest = replace(self.view, follow=True), self._newest()
        if view.window is not None or not newest:
            return view
        return self._show(view, (1 - _FOLLOWED) * newest, newest)

    def _window(self) -> Interval:
        if self.view.window is None:
            return 0.0, 1.0
        low, high = _clamped(*(self._fraction(edge) for edge in self.view.window))
        if not self.view.follow:
            return low, high
        jump = _FOLLOWED * (high - low)
        end = (math.floor(self._newest() / jump) + 1) * jump
        return _clamped(end - (high - low), end)

    def _show(self, view: ChartView, low: float, high: float) -> ChartView:
        low, high = _clamped(low, high)
        window = None if (low, high) == (0.0, 1.0) else (self.whole.value(low), self.whole.value(high))
        return replace(view, window=window)

    def _crosshair(self, fraction: float) -> ChartView:
        return replace(self.view, crosshair=self.whole.value(fraction))

    def _centre(self) -> float:
        at = self._newest() if self.view.follow else None
        if self.view.crosshair is not None:
            at = self._fraction(self.view.crosshair)
        return at if at is not None and self.low <= at <= self.high else (self.low + self.high) / 2

    def _newest(self) -> float:
        return self._fraction(
            max((float(one.x[-1]) for one in self.plot.series if len(one.x)), default=self.whole.low)
        )

    def _inside(self, fraction: float) -> float:
        return self.low + min(max(0.0, fraction), 1.0) * (self.high - self.low)

    def _fraction(self, x: float) -> float:
        """Return where a position lies on the whole axis, 0 to 1."""
        at = float(self.whole.fraction(np.array([x]))[0])
        return 0.0 if math.isnan(at) else min(max(0.0, at), 1.0)


def _clamped(low: float, high: float) -> Interval:
    """Return the window of the same width, or nearly, that lies on the axis."""
    width = max(_MIN_WINDOW, high - low)
    if width > 1.0 - _MIN_WINDOW:
        return 0.0, 1.0
    low = min(max(0.0, low), 1.0 - width)
    return low, low + width
