"""The lines, tick marks and labels around a plot."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from maml_tui.plotting.grid import Grid, Role

if TYPE_CHECKING:
    from maml_tui.plotting.frame import Frame
    from maml_tui.plotting.glyphs import Glyphs

_SPACE_BETWEEN_LABELS = 2


def draw_axes(grid: Grid, frame: Frame, glyphs: Glyphs) -> None:
    """Draw the axes of a plot into its picture, as far as the frame has room for them."""
    if frame.gutter:
        _draw_y_axis(grid, frame, glyphs)
    if frame.footer:
        _draw_x_axis(grid, frame, glyphs)


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
