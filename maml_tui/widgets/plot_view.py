"""A plot on the screen."""

from __future__ import annotations

import asyncio
import textwrap
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import ClassVar

import numpy as np
from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from maml_tui.plotting.figure_files import export_figure
from maml_tui.plotting.frame import Frame, fit
from maml_tui.plotting.grid import Grid, Role, changed_regions, colour, role_of, slot_of
from maml_tui.plotting.render import render
from maml_tui.plotting.series import Plot

_TINT, _TINT_IN_256 = 0.3, 0.4
"""How strong a band's colour is on its ground. In 256 colours a weak tint of black would still be black."""

_FAINT = 0.5


@dataclass(frozen=True)
class Ink:
    """The styles on one ground.

    Attributes:
        ground: The colour behind the plot; None where it is not known, because the terminal chooses it. Bands tint it;
            without it, they must be shaded.
        coloured: Whether series may have their colours.
        deep: Whether there are more than 256 colours.
        base: Style of all that has no style of its own, and beneath all others.
    """

    ground: Color | None
    coloured: bool
    deep: bool
    base: Style
    axis: Style
    label: Style
    crosshair: Style

    @classmethod
    def of(cls, widget: Widget) -> Ink:
        """Return the styles for a widget, in the place and the theme that it is in."""
        app = widget.app
        system = app.console.color_system
        blended = system in ("256", "truecolor") and not (app.no_color or app.native_ansi_color)
        return cls(
            ground=widget.background_colors[1] if blended else None,
            coloured=not app.no_color,
            deep=system == "truecolor",
            base=widget.rich_style,
            axis=widget.get_component_rich_style("plot--axis"),
            label=widget.get_component_rich_style("plot--label"),
            crosshair=widget.get_component_rich_style("plot--crosshair"),
        )

    @cache  # noqa: B019 - inks are few, and hashable as they are frozen
    def style(self, code: int, band: int) -> Style:
        """Return the style of a cell, given its entries in `Grid.styles` and `Grid.bands`."""
        style = self.base + self.foreground(role_of(code), slot_of(code))
        return style + self.background(band - 1) if band else style

    def foreground(self, role: Role, slot: int) -> Style:
        """Return the style of what is drawn."""
        if role < Role.RAW:
            styles = {Role.AXIS: self.axis, Role.LABEL: self.label, Role.CROSSHAIR: self.crosshair}
            return styles.get(role, Style())
        bold = role is Role.NAME or None
        if not self.coloured:
            return Style(bold=bold, dim=role is Role.RAW or None)
        ink = Color.parse(colour(slot))
        if role is Role.RAW or role is Role.BAND:
            if self.ground is None:
                return Style(color=ink.rich_color, dim=True)
            ink = self.ground.blend(ink, _FAINT)
        return Style(color=ink.rich_color, bold=bold)

    def background(self, slot: int) -> Style:
        """Return the style of a cell inside the confidence band of a series."""
        if self.ground is None:
            return Style()
        strength = _TINT if self.deep else _TINT_IN_256
        return Style(bgcolor=self.ground.blend(Color.parse(colour(slot)), strength).rich_color)


_NOTHING_HERE = "no value to show here"


class PlotView(Widget):
    """Shows one plot. When another one takes its place, only the cells that differ are sent to the terminal.

    Attributes:
        plot: What is shown.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {"plot--axis", "plot--label", "plot--crosshair"}
    DEFAULT_CSS = """
    PlotView {
        width: 1fr;
        height: 1fr;
        & > .plot--axis, & > .plot--label { color: $text-muted; }
        & > .plot--crosshair { color: $text-accent; }
    }
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.plot = Plot()
        self._empty = ""
        self._ink: Ink | None = None
        self._ink_is_fresh = False
        self._grid: Grid | None = None
        self._strips: dict[int, Strip] = {}

    @property
    def empty(self) -> str:
        """What is said while the plot has no samples."""
        return self._empty

    @empty.setter
    def empty(self, text: str) -> None:
        if text != self._empty:
            self._empty = text
            self.show(self.plot)

    @property
    def frame(self) -> Frame:
        """How the plot is laid out in the widget's content."""
        return fit(self.plot, max(1, self.size.width), max(1, self.size.height))

    def show(self, plot: Plot) -> None:
        """Show a plot."""
        self.plot = plot
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

    async def export(self, subject: str) -> str:
        """Write the plot to files named after `subject`, and return where they are, in words."""
        figure, *others = await asyncio.to_thread(export_figure, self.plot, subject)
        return f"figure written to {figure}, beside it {' and '.join(path.suffix for path in others)}"

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
        grid = render(self.plot, max(1, self.size.width), max(1, self.size.height))
        if not (grid.styles % len(Role) >= Role.RAW).any():
            missing = not any(len(one.x) for one in self.plot.series)
            _write_centred(grid, self.frame, self._empty if missing else _NOTHING_HERE)
        return grid if self._current_ink().ground is not None else grid.shaded()

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
