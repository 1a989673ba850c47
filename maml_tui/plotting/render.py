"""A plot as a picture in characters."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from maml_tui.plotting.axes import draw_axes
from maml_tui.plotting.frame import Frame, fit
from maml_tui.plotting.glyphs import GLYPHS, Glyphs
from maml_tui.plotting.grid import Grid, Role, role_of, style_code
from maml_tui.plotting.series import Plot, Series, Stroke
from maml_tui.plotting.trace import Trace, dots, trace

if TYPE_CHECKING:
    from maml_tui.plotting._types import Floats


def render(plot: Plot, width: int, height: int) -> Grid:
    """Draw a plot, with axes where they fit, into `width` x `height` cells (at least 1 x 1).

    From bottom to top: crosshair, bands, raw lines, lines, letters. A line replaces the raw lines beneath it; where
    two lines share a cell the dots of both stay, in the style of the later one.
    """
    frame, glyphs = fit(plot, width, height), GLYPHS[plot.charset]
    grid = Grid.blank(width, height)
    draw_axes(grid, frame, glyphs)
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
        self.grid.shades[inside] = self.glyphs.band_inside
        self.grid.shades[inside & (row == last)] = self.glyphs.band_bottom
        self.grid.shades[inside & (row == first)] = self.glyphs.band_top

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
