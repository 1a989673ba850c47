"""A grid of cells on the screen."""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from maml_tui.pages.adapt.cell_grid import CellGrid, Tone

if TYPE_CHECKING:
    from collections.abc import Callable

_COMPONENTS = {
    Tone.NAME: "grid--name",
    Tone.RIGHT: "grid--right",
    Tone.WRONG: "grid--wrong",
    Tone.BAR: "grid--bar",
    Tone.DIM: "grid--dim",
}


class CellGridView(Widget):
    """Shows one page of a grid. When another one takes its place, only the lines that differ are painted.

    Attributes:
        grid: What is shown.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = set(_COMPONENTS.values())
    DEFAULT_CSS = """
    CellGridView {
        width: 1fr;
        height: 1fr;
        & > .grid--name { text-style: bold; }
        & > .grid--bar { color: $accent; }
        & > .grid--dim { color: $text-muted; }
        & > .grid--right { color: $text-success; }
        & > .grid--wrong { color: $text-error; text-style: bold; }
    }
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._draw: Callable[[int, int], CellGrid] = CellGrid.blank
        self.grid = CellGrid.blank(1, 1)

    def show(self, draw: Callable[[int, int], CellGrid]) -> None:
        """Show what `draw` makes of a width and a height in cells, now and whenever the size changes."""
        self._draw = draw
        if not self.size:
            return  # it is laid out soon
        before, self.grid = self.grid, draw(*self.size)
        rows = _changed_rows(before, self.grid)
        if rows.size:
            self.refresh(*(Region(0, int(row), self.size.width, 1) for row in rows))
        page, pages = self.grid.page, self.grid.pages
        if (before.page, before.pages) != (page, pages):
            self.border_subtitle = f"page {page + 1} of {pages}" if pages > 1 else ""

    def on_resize(self) -> None:
        """Lay everything out anew."""
        self.show(self._draw)

    def render_line(self, y: int) -> Strip:
        """Return one line: its cells in runs of one style."""
        grid = self.grid
        if y >= len(grid.characters):
            return Strip.blank(self.size.width, self.rich_style)  # NO_COLOR needs a style to strip
        looks = np.concatenate([grid.tones[y, :, None], grid.colours[y].reshape(-1, 6)], axis=1)
        edges = [0, *(np.flatnonzero((looks[1:] != looks[:-1]).any(axis=1)) + 1), len(looks)]
        ground = self.rich_style
        return Strip(
            Segment("".join(grid.characters[y, start:stop]), ground + self._style(looks[start]))
            for start, stop in pairwise(edges)
        )

    def _style(self, look: np.ndarray) -> Style:
        tone, *colours = (int(value) for value in look)
        if tone == Tone.PIXEL:
            return _two_colours(*colours)
        component = _COMPONENTS.get(Tone(tone))
        return self.get_component_rich_style(component, partial=True) if component else Style()


def _changed_rows(before: CellGrid, after: CellGrid) -> np.ndarray:
    if before.characters.shape != after.characters.shape:
        return np.arange(len(after.characters))
    return np.flatnonzero(
        (before.characters != after.characters).any(axis=1)
        | (before.tones != after.tones).any(axis=1)
        | (before.colours != after.colours).any(axis=(1, 2, 3))
    )


@lru_cache(maxsize=4096)
def _two_colours(*channels: int) -> Style:
    return Style(color=Color.from_rgb(*channels[:3]), bgcolor=Color.from_rgb(*channels[3:]))
