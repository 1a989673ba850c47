"""How a person looks at a plot: all that the keys of a chart change."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from maml_tui.watching.series import Metric, XAxis

if TYPE_CHECKING:
    from collections.abc import Sequence

    from maml_tui.plotting._types import Interval

SMOOTHINGS = (0.0, 0.6, 0.9, 0.99)

_T = TypeVar("_T")


@dataclass(frozen=True)
class View:
    """What a person has chosen.

    Attributes:
        metric: What is plotted.
        x_axis: Against what.
        log_x: Whether the x-axis is logarithmic.
        log_y: Whether the y-axis is logarithmic.
        smoothing: Factor of the moving average, one of `SMOOTHINGS`.
        band: Whether confidence bands are drawn.
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

    def with_metric(self, metrics: Sequence[Metric], step: int) -> View:
        """Go on to a neighbour in the list of metrics; it may have the same x-axis, so the window stays."""
        return replace(self, metric=_neighbour(metrics, self.metric, step))

    def with_next_x_axis(self, axes: Sequence[XAxis]) -> View:
        """Go on to the next x-axis. Positions on the old one mean nothing there."""
        chosen = _neighbour(axes, self.x_axis, 1)
        return self if chosen is self.x_axis else replace(self.reset(), x_axis=chosen, crosshair=None)

    def with_next_smoothing(self) -> View:
        """Go on to the next factor of the moving average."""
        return replace(self, smoothing=_neighbour(SMOOTHINGS, self.smoothing, 1))

    def reset(self) -> View:
        """Show the whole x-axis."""
        return replace(self, window=None, follow=False)

    def same_axes(self, other: View) -> bool:
        """Return whether two views differ in nothing but the crosshair."""
        return replace(self, crosshair=None) == replace(other, crosshair=None)


def _neighbour(choices: Sequence[_T], chosen: _T, step: int) -> _T:
    return choices[(choices.index(chosen) + step) % len(choices)]
