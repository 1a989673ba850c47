"""A plot on the screen."""

from __future__ import annotations

import textwrap
from itertools import pairwise
from typing import ClassVar

import numpy as np
from rich.segment import Segment
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from maml_tui.plotting.frame import Frame, fit
from maml_tui.plotting.grid import Grid, Role, changed_regions
from maml_tui.plotting.render import render
from maml_tui.plotting.series import Plot
from maml_tui.widgets.ink import Ink

_NOTHING_HERE = "no value to show here"


class PlotView(Widget):
    """Shows one plot. When another one takes its place, only the cells that differ are sent to the terminal."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"plot--axis", "plot--label", "plot--crosshair"}
    DEFAULT_CSS = """
    PlotView {
        width: 1fr;
        height: 1fr;
        & > .plot--axis, & > .plot--label { color: $text-muted; }
        & > .plot--crosshair { color: $text-accent; }
    }
    """

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id, classes=classes)
        self._plot = Plot()
        self._empty = ""
        self._ink: Ink | None = None
        self._ink_is_fresh = False
        self._grid: Grid | None = None
        self._strips: dict[int, Strip] = {}

    @property
    def plot(self) -> Plot:
        """What is shown."""
        return self._plot

    @property
    def empty(self) -> str:
        """What is said while the plot has no samples."""
        return self._empty

    @empty.setter
    def empty(self, text: str) -> None:
        if text != self._empty:
            self._empty = text
            self.show(self._plot)

    @property
    def frame(self) -> Frame:
        """How the plot is laid out in the widget's content."""
        return fit(self._plot, max(1, self.size.width), max(1, self.size.height))

    def show(self, plot: Plot) -> None:
        """Show a plot."""
        self._plot = plot
        if self._grid is not None:
            self._current_ink()  # other styles than before leave no grid to compare with
        before = self._grid
        if before is None:
            self.refresh()
            return
        self._grid = self._draw()
        spans = changed_regions(before, self._grid)
        for span in spans:
            self._strips.pop(span.row, None)
        if spans:
            self.refresh(*(Region(span.start, span.row, span.stop - span.start, 1) for span in spans))

    def render_line(self, y: int) -> Strip:
        """Return one line of the content."""
        ink, grid = self._current_ink(), self._grid
        if grid is None or grid.characters.shape != (self.size.height, self.size.width):
            grid = self._grid = self._draw()
            self._strips.clear()
        if y not in self._strips:
            self._strips[y] = _strip(grid, y, ink)
        return self._strips[y]

    def notify_style_update(self) -> None:
        """Note that styles may have changed."""
        self._ink_is_fresh = False
        super().notify_style_update()

    def _draw(self) -> Grid:
        grid = render(self._plot, max(1, self.size.width), max(1, self.size.height))
        if not (grid.styles % len(Role) >= Role.RAW).any():
            missing = not any(len(one.x) for one in self._plot.series)
            _write_centred(grid, self.frame, self._empty if missing else _NOTHING_HERE)
        return grid if self._current_ink().tints else grid.shaded()

    def _current_ink(self) -> Ink:
        ink = self._ink
        if ink is None or not self._ink_is_fresh:
            ink = Ink.of(self)
            if ink != self._ink:
                self._ink, self._grid = ink, None
            self._ink_is_fresh = True
        return ink


def _strip(grid: Grid, y: int, ink: Ink) -> Strip:
    """Return a row of cells, those of one style in one segment."""
    text, styles, bands = "".join(grid.characters[y]), grid.styles[y], grid.bands[y]
    changes = np.flatnonzero(np.diff(styles) | np.diff(bands)) + 1
    edges = [0, *changes.tolist(), len(text)]
    segments = [
        Segment(text[start:stop], ink.style(int(styles[start]), int(bands[start])))
        for start, stop in pairwise(edges)
    ]
    return Strip(segments, len(text))


def _write_centred(grid: Grid, frame: Frame, text: str) -> None:
    """Write text into the middle of a plot, in as many lines as it needs."""
    lines = textwrap.wrap(text, max(1, frame.columns))[: frame.rows]
    top = (frame.rows - len(lines)) // 2
    for row, line in enumerate(lines, top):
        grid.write(row, frame.gutter + (frame.columns - len(line)) // 2, line, Role.LABEL)
