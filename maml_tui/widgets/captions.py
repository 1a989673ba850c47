"""What is written above and below a chart, as wide as there is room."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from engine.text import printable
from maml_tui.plotting.frame import x_scale
from maml_tui.plotting.scales import Unit, reading
from maml_tui.plotting.series import Plot, Series, legend
from maml_tui.reports.text_table import cell_width, cut

if TYPE_CHECKING:
    from collections.abc import Sequence

    from maml_tui.runs.chart_view import ChartView


@dataclass(frozen=True)
class Reading:
    """The sample of one series that lies nearest to the crosshair.

    Attributes:
        half_width: Half the width of its confidence band, or None where it has no band.
    """

    series: Series
    x: float
    y: float
    half_width: float | None

    def text(self, unit: Unit) -> str:
        """Return the value with its uncertainty: `93.12% ±0.71%`."""
        value = reading(self.y, unit)
        return value if self.half_width is None else f"{value} ±{reading(self.half_width, unit)}"


def readout(series: Sequence[Series], x: float) -> tuple[Reading, ...]:
    """Return the nearest sample of every series that has one with a value."""
    return tuple(found for one in series if (found := _nearest(one, x)) is not None)


def _nearest(series: Series, x: float) -> Reading | None:
    valid = np.flatnonzero(~np.isnan(series.y))
    if not valid.size:
        return None
    sample = valid[np.argmin(np.abs(series.x[valid] - x))]
    half_width = None
    if series.band is not None:
        low, high = (float(edge[sample]) for edge in series.band)
        half_width = (high - low) / 2 if high >= low else None
    return Reading(series, float(series.x[sample]), float(series.y[sample]), half_width)


def heading(plot: Plot, view: ChartView, width: int) -> str:
    """Return what is shown: metric, lines, and how they are drawn. What matters least goes first for want of room.

    `plot` is as `Viewport.framed` returns it.
    """
    smoothed = plot.smoothing and any(one.smoothable for one in plot.series)
    parts = [
        printable(plot.y_label),
        "  ".join(legend(plot)),
        "95% CI" if plot.band and any(one.band for one in plot.series) else "",
        f"EMA {plot.smoothing:g}".replace(" 0.", " .") if smoothed else "",
        "log y" if plot.y_log else "",
        "log x" if plot.x_log else "",
        "following" if view.follow else "",
        f"x: {printable(plot.x_label)}",
    ]
    return _fitted([part for part in parts if part], " · ", width)


def readings(plot: Plot, crosshair: float, width: int, columns: int) -> str:
    """Return the values at the crosshair with their uncertainty; where a sample lies elsewhere, its position too.

    Args:
        plot: As `Viewport.framed` returns it.
        crosshair: Position on its x-axis.
        width: Columns there are for the text.
        columns: Columns of the plot: within one, positions count as the same.
    """
    found = readout(plot.by_letter, crosshair)
    at = x_scale(plot).fraction(np.array([crosshair, *(one.x for one in found)]))
    apart = np.abs(at[1:] - at[0]) > 1 / columns
    parts = [f"▸ {_position(crosshair, plot.x_unit)}"]
    for one, far in zip(found, apart, strict=True):
        where = f" @{_position(one.x, plot.x_unit)}" if far else ""
        parts.append(f"{one.series.letter} {one.text(plot.y_unit)}{where}")
    return _fitted(parts, "  ", width)


def _position(x: float, unit: Unit) -> str:
    return reading(round(x) if unit is Unit.COUNT else x, unit)


def _fitted(parts: list[str], between: str, width: int) -> str:
    kept = [*parts]
    while len(kept) > 1 and cell_width(between.join(kept)) > width:
        kept.pop()
    return cut(between.join(kept), width, ellipsis="")
