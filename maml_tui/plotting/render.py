"""A plot as a picture in characters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from maml_tui.plotting.frame import Frame, fit
from maml_tui.plotting.glyphs import GLYPHS, Glyphs
from maml_tui.plotting.grid import Grid, Role, role_of, style_code
from maml_tui.plotting.series import Plot, Series, Stroke

if TYPE_CHECKING:
    from maml_tui.plotting.scales import Floats


@dataclass(frozen=True)
class Trace:
    """The extent of a line in each column of dots. Arrays of shape [columns].

    Attributes:
        top: Smallest row coordinate of the line in the column, NaN where there is none.
        joined: Whether the line goes on from the column before.
    """

    top: Floats
    bottom: Floats
    joined: npt.NDArray[np.bool_]

    def last(self) -> int | None:
        """Return the last column with a line, or None."""
        there = np.flatnonzero(~np.isnan(self.top))
        return int(there[-1]) if there.size else None


def trace(u: Floats, v: Floats, columns: int) -> Trace:
    """Reduce a line to the minimum and the maximum in each column, so that no spike is lost.

    Args:
        u: Column coordinates of the samples [n], ascending; column c reaches from c - 1/2 to c + 1/2. Samples where
            it is NaN are ignored.
        v: Row coordinates [n]; NaN is a gap.

    Returns:
        The extents. A column between two samples gets the straight line from one to the other.
    """
    placed = ~np.isnan(u)
    u, v = u[placed], v[placed]
    centres = np.arange(columns, dtype=np.float64)
    top = _between(u, v, centres)
    bottom = top.copy()
    inside = (u >= -0.5) & (u < columns - 0.5) & ~np.isnan(v)
    column = np.floor(u[inside] + 0.5).astype(np.intp)
    first = np.flatnonzero(np.diff(column, prepend=-1))
    if first.size:
        top[column[first]] = np.minimum.reduceat(v[inside], first)
        bottom[column[first]] = np.maximum.reduceat(v[inside], first)
    joined = ~np.isnan(_between(u, v, centres - 0.5))
    return Trace(top, bottom, joined)


def dots(line: Trace, rows: int, stroke: Stroke, unit: int) -> npt.NDArray[np.bool_]:
    """Return which dots [rows, columns] a line covers.

    Args:
        stroke: Its pattern, which follows the length of the line, so that steep parts have it too.
        unit: Dots per column of cells: dashes are two cells on, one off.
    """
    top, bottom = _joined_rows(line, rows)
    row = np.arange(rows)[:, None]
    covered: npt.NDArray[np.bool_] = (top <= row) & (row <= bottom)
    if stroke is Stroke.SOLID:
        return covered
    length = np.maximum(bottom - top + 1, 0)
    way = np.cumsum(length) - length + row - top
    if stroke is Stroke.DASH_DOTTED:
        at = way % (5 * unit)
        covered &= (at < 2 * unit) | (at == 3 * unit)
        return covered
    on, period = (2 * unit, 3 * unit) if stroke is Stroke.DASHED else (1, 2)
    covered &= way % period < on
    return covered


def _between(u: Floats, v: Floats, at: Floats) -> Floats:
    """Return the row of the line at some column coordinates, NaN beyond its ends and in its gaps."""
    if not len(u):
        return np.full(len(at), np.nan)
    return np.interp(at, u, v, left=np.nan, right=np.nan)


def _joined_rows(line: Trace, rows: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the first and last row of each column, stretched to touch the column before; 1 and 0 for none."""
    there = ~np.isnan(line.top)
    top = np.rint(np.clip(np.where(there, line.top, 1), -1, rows)).astype(np.int64)
    bottom = np.rint(np.clip(np.where(there, line.bottom, 0), -1, rows)).astype(np.int64)
    join = np.flatnonzero(line.joined[1:] & there[1:] & there[:-1]) + 1
    before_top, before_bottom = top[join - 1], bottom[join - 1]
    top[join] = np.minimum(top[join], before_bottom + 1)
    bottom[join] = np.maximum(bottom[join], before_top - 1)
    return top, bottom


_SPACE_BETWEEN_LABELS = 2


def _draw_y_axis(grid: Grid, frame: Frame, glyphs: Glyphs) -> None:
    for row in range(frame.rows):
        grid.write(row, frame.gutter - 1, glyphs.vertical, Role.AXIS)
    places = _cells([tick.value for tick in frame.y_ticks], frame, glyphs, vertical=True)
    free = frame.rows
    for tick, row in zip(frame.y_ticks, places, strict=True):
        if row < free:
            free = row
            grid.write(row, frame.gutter - 1 - len(tick.label), tick.label, Role.LABEL)
            grid.write(row, frame.gutter - 1, glyphs.y_tick, Role.AXIS)


def _draw_x_axis(grid: Grid, frame: Frame, glyphs: Glyphs) -> None:
    grid.write(frame.rows, frame.gutter, glyphs.horizontal * frame.columns, Role.AXIS)
    if frame.gutter:
        grid.write(frame.rows, frame.gutter - 1, glyphs.corner, Role.AXIS)
    places = _cells([tick.value for tick in frame.x_ticks], frame, glyphs, vertical=False)
    free = 0
    for tick, place in zip(frame.x_ticks, places, strict=True):
        column = frame.gutter + place
        start = min(column - len(tick.label) // 2, frame.width - len(tick.label))
        if start >= free:
            free = start + len(tick.label) + _SPACE_BETWEEN_LABELS
            grid.write(frame.rows + 1, start, tick.label, Role.LABEL)
            grid.write(frame.rows, column, glyphs.x_tick, Role.AXIS)


def _cells(values: list[float], frame: Frame, glyphs: Glyphs, vertical: bool) -> list[int]:
    """Return the rows or columns of cells in which values lie."""
    scale, cells, dots = (
        (frame.y, frame.rows, glyphs.dots_high) if vertical else (frame.x, frame.columns, glyphs.dots_wide)
    )
    fraction = scale.fraction(np.array(values))
    place = np.rint((1 - fraction if vertical else fraction) * (cells * dots - 1)) // dots
    return [int(cell) for cell in place]


def render(plot: Plot, width: int, height: int) -> Grid:
    """Draw a plot, with axes where they fit, into `width` x `height` cells (at least 1 x 1).

    From bottom to top: crosshair, bands, raw lines, lines, letters. A line replaces the raw lines beneath it; where
    two lines share a cell the dots of both stay, in the style of the later one.
    """
    frame, glyphs = fit(plot, width, height), GLYPHS[plot.charset]
    grid = Grid.blank(width, height)
    if frame.gutter:
        _draw_y_axis(grid, frame, glyphs)
    if frame.footer:
        _draw_x_axis(grid, frame, glyphs)
    area = _Area(grid.window(slice(frame.rows), slice(frame.gutter, None)), frame, glyphs)
    if plot.crosshair is not None:
        area.draw_crosshair(plot.crosshair)
    for series in plot.series if plot.band else ():
        area.draw_band(series)
    averages = [series.smoothed(plot.smoothing) for series in plot.series]
    for series, average in zip(plot.series, averages, strict=True):
        if average is not None:
            area.draw_raw(series)
    lines = [
        area.draw_line(series, series.y if average is None else average)
        for series, average in zip(plot.series, averages, strict=True)
    ]
    for series, line in zip(plot.series, lines, strict=True):
        area.draw_letter(series, line)
    return grid


class _Area:
    """The part of a picture inside the axes, `rows` x `columns` cells of `dots_high` x `dots_wide` dots."""

    def __init__(self, grid: Grid, frame: Frame, glyphs: Glyphs) -> None:
        self.grid, self.frame, self.glyphs = grid, frame, glyphs
        self.high, self.wide = frame.rows * glyphs.dots_high, frame.columns * glyphs.dots_wide
        self.raw_bits = np.zeros((frame.rows, frame.columns), dtype=np.int64)
        self.line_bits = self.raw_bits.copy()

    def draw_crosshair(self, x: float) -> None:
        place = float(self._u(np.array([x]))[0])
        if 0 <= place <= self.wide - 1:
            column = round(place) // self.glyphs.dots_wide
            self.grid.characters[:, column] = self.glyphs.crosshair
            self.grid.styles[:, column] = Role.CROSSHAIR

    def draw_band(self, series: Series) -> None:
        if series.band is None:
            return
        low, high = series.band
        # Cells instead of dots: column c covers c - 1/2 to c + 1/2, row r covers r to r + 1.
        u = (self._u(series.x) + 0.5) / self.glyphs.dots_wide - 0.5
        bottom, top = (
            (self._v(edge) + 0.5) / self.glyphs.dots_high for edge in (self.frame.y.raised(low), high)
        )
        columns = self.frame.columns
        self._shade(series, trace(u, top, columns).top, trace(u, bottom, columns).bottom)

    def _shade(self, series: Series, top: Floats, bottom: Floats) -> None:
        """Mark the cells that lie between two edges [columns] for the greater part, but at least the middle one."""
        row = np.arange(self.frame.rows)[:, None]
        first, last = np.rint(top), np.rint(bottom) - 1
        inside = (first <= row) & (row <= last)
        self.grid.bands[inside | (row == np.floor((top + bottom) / 2))] = series.slot + 1
        at_top, within, at_bottom = tuple(self.glyphs.band)
        self.grid.shades[inside] = within
        self.grid.shades[inside & (row == last)] = at_bottom
        self.grid.shades[inside & (row == first)] = at_top

    def draw_raw(self, series: Series) -> None:
        line = trace(self._u(series.x), self._v(series.y), self.wide)
        self._add(line, Stroke.SOLID, self.raw_bits, style_code(Role.RAW, series.slot))

    def draw_line(self, series: Series, y: Floats) -> Trace:
        u, v = self._u(series.x), self._v(y)
        line, style = trace(u, v, self.wide), style_code(Role.LINE, series.slot)
        if series.stroke is Stroke.POINTS:
            self._mark(u, v, style)
        else:
            self._add(line, series.stroke, self.line_bits, style)
        return line

    def _add(self, line: Trace, stroke: Stroke, drawn: npt.NDArray[np.int64], style: int) -> None:
        """Add a line to the dots that are drawn so far, and show the cells that it touches."""
        bits = self.glyphs.encode(dots(line, self.high, stroke, self.glyphs.dots_wide))
        touched = bits > 0
        drawn[touched] |= bits[touched]
        self.grid.characters[touched] = self.glyphs.draw(drawn[touched])
        self.grid.styles[touched] = style

    def _mark(self, u: Floats, v: Floats, style: int) -> None:
        """Show samples as characters of their own."""
        seen = (u > -0.5) & (u < self.wide - 0.5) & (v > -0.5) & (v < self.high - 0.5)
        row = np.rint(v[seen]).astype(np.intp) // self.glyphs.dots_high
        column = np.rint(u[seen]).astype(np.intp) // self.glyphs.dots_wide
        self.grid.characters[row, column] = self.glyphs.strokes[Stroke.POINTS]
        self.grid.styles[row, column] = style

    def draw_letter(self, series: Series, line: Trace) -> None:
        """Write the letter of a series behind the end of its line, or as near as there is room."""
        end = line.last()
        if end is None or not -0.5 < line.top[end] < self.high - 0.5:
            return
        column = min(end // self.glyphs.dots_wide + 1, self.frame.columns - 1)
        row = round(float(line.top[end])) // self.glyphs.dots_high
        free = [
            r for r in range(self.frame.rows) if role_of(int(self.grid.styles[r, column])) is not Role.NAME
        ]
        if free:
            nearest = min(free, key=lambda r: abs(r - row))
            self.grid.write(nearest, column, series.letter, style_code(Role.NAME, series.slot))

    def _u(self, x: Floats) -> Floats:
        return self.frame.x.fraction(x) * (self.wide - 1)

    def _v(self, y: Floats) -> Floats:
        return (1 - self.frame.y.fraction(y)) * (self.high - 1)
