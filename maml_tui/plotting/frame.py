"""How a plot is laid out: which ranges it shows, and how much room its axes take."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from maml_tui.plotting.scales import Floats, Interval, Scale, Tick, Unit, nice_range, proper

if TYPE_CHECKING:
    from maml_tui.plotting.series import Plot, Series

_LABEL_WIDTH = 5
"""Room that is always kept for y labels, so that the plot does not shift when `50%` becomes `100%`."""

_NARROW, _SHORT = 20, 5
"""Below so many columns there is no room for y labels, and below so many rows none for x labels."""


@dataclass(frozen=True)
class Frame:
    """The parts of a plot of `width` x `height` cells: `gutter` columns at the left, `footer` rows at the bottom."""

    width: int
    height: int
    gutter: int
    footer: int
    x: Scale
    y: Scale
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]

    @property
    def columns(self) -> int:
        """Columns of the area inside the axes."""
        return self.width - self.gutter

    @property
    def rows(self) -> int:
        """Rows of the area inside the axes."""
        return self.height - self.footer


def fit(plot: Plot, width: int, height: int) -> Frame:
    """Lay out a plot in `width` x `height` cells."""
    footer = 2 if height >= _SHORT else 0
    x, y = x_scale(plot), y_scale(plot)
    y_ticks = y.ticks(max(2, (height - footer) // 3), plot.y_unit) if width >= _NARROW else ()
    longest = max((len(tick.label) for tick in y_ticks), default=0)
    gutter = max(_LABEL_WIDTH, longest) + 1 if width >= _NARROW else 0
    gutter = min(gutter, width // 2)
    x_ticks = x.ticks(max(2, (width - gutter) // 14), plot.x_unit) if footer else ()
    return Frame(width, height, gutter, footer, x, y, x_ticks, y_ticks)


def x_scale(plot: Plot) -> Scale:
    """Return the horizontal axis: the plot's own range, or that of all samples with a value."""
    fitted = _extent([one.x[~np.isnan(one.y)] for one in plot.series], plot.x_log)
    low, high = plot.x_range or fitted or (0.0, 1.0)
    return Scale(*proper(low, high, plot.x_log), plot.x_log)


def y_scale(plot: Plot) -> Scale:
    """Return the vertical axis: the plot's own range, or a 1-2-5 range around what is visible."""
    if plot.y_range is not None:
        return Scale(*proper(*plot.y_range, plot.y_log), plot.y_log)
    return Scale(*nice_range(*(y_extent(plot) or (0.0, 1.0)), plot.y_log), plot.y_log)


def y_extent(plot: Plot) -> Interval | None:
    """Return the smallest and the largest visible value, bands included; None if there is none.

    A widget feeds this to `next_range` and gives the answer back as `Plot.y_range`.
    """
    x = x_scale(plot)
    return _extent([part for one in plot.series for part in _visible(one, x, plot)], plot.y_log)


def in_sight(plot: Plot) -> tuple[Series, ...]:
    """Return the series without the samples beyond the x-axis."""
    x = x_scale(plot)
    return tuple(_cut(one, _samples(one, x)) for one in plot.series)


def _cut(series: Series, seen: slice) -> Series:
    low, high = (None, None) if series.band is None else (edge[seen] for edge in series.band)
    return replace(series, x=series.x[seen], y=series.y[seen], low=low, high=high)


def _samples(series: Series, x: Scale) -> slice:
    return slice(*np.searchsorted(series.x, (x.low, np.nextafter(x.high, np.inf))))


def _visible(series: Series, x: Scale, plot: Plot) -> list[Floats]:
    seen = _samples(series, x)
    edges: tuple[Floats, ...] = series.band if plot.band and series.band else ()
    if plot.y_unit is Unit.PERCENT:
        # A limit of confidence may lie beyond 100 %, where no value can; it is no reason to stretch the axis.
        edges = tuple(edge.clip(0, 1) for edge in edges)
    return [values[seen] for values in (series.y, *edges)]


def _extent(parts: list[Floats], log: bool) -> Interval | None:
    values = np.concatenate([np.empty(0), *parts])
    values = values[values > 0] if log else values[~np.isnan(values)]
    return (float(values.min()), float(values.max())) if values.size else None
