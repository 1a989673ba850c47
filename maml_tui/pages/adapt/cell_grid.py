"""A grid of cells with pictures among text, which the pictures and scores of a task are laid out on, and its widget."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, ClassVar
from unicodedata import normalize

import numpy as np
from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from maml_tui.plotting import Charset
from maml_tui.plotting.pictures import Image, image_cells, image_dots, image_text
from maml_tui.reports.text_table import cell_width, cut

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt


class Tone(IntEnum):
    """What a cell shows. Only PIXEL cells have colours of their own."""

    TEXT = 0
    NAME = 1
    RIGHT = 2
    WRONG = 3
    BAR = 4
    PIXEL = 5
    DIM = 6


@dataclass(frozen=True, eq=False)
class CellGrid:
    """Cells, row 0 at the top.

    Attributes:
        characters: One character per cell, `[height, width]`; empty behind a character that takes two cells.
        tones: What each cell shows, `[height, width]`.
        colours: Foreground and background of the PIXEL cells, `[height, width, 2, 3]` RGB; all black in plain pictures.
        page: Which page of `pages` this is, from 0.
    """

    characters: npt.NDArray[np.str_]
    tones: npt.NDArray[np.int8]
    colours: npt.NDArray[np.uint8]
    page: int
    pages: int

    @staticmethod
    def blank(width: int, height: int, page: int = 0, pages: int = 1) -> CellGrid:
        """Return an empty grid."""
        shape = (height, width)
        tones, colours = np.zeros(shape, dtype=np.int8), np.zeros((*shape, 2, 3), dtype=np.uint8)
        return CellGrid(np.full(shape, " "), tones, colours, page, pages)

    def write(self, row: int, column: int, text: str, tone: Tone) -> None:
        """Write text into one row, cut off at the edges.

        A cell holds one character: combining marks without a composed form are left out.
        """
        height, width = self.characters.shape
        inside = cut(normalize("NFC", text), width - column, ellipsis="")
        # A wide character is followed by an empty cell: it takes two on the screen.
        cells = [cell for character in inside for cell in (character, "")[: cell_width(character)]]
        if row < height:
            self.characters[row, column : column + len(cells)] = cells
            self.tones[row, column : column + len(cells)] = tone

    def paste(self, row: int, column: int, image: Image, high: int, charset: Charset, *, plain: bool) -> None:
        """Show an image `high` cells high and twice as many wide.

        Grey images are taken for drawings, which dots show finer than colours do; ASCII has too few dots for that.

        Args:
            image: Grey [H, W] or RGB [H, W, 3].
            high: Height in cells; a cell is about twice as high as wide.
            plain: Whether no colour may be used. ASCII never uses any: it would show one pixel in a cell.
        """
        drawing = image.ndim == 2
        if drawing or plain or charset is Charset.ASCII:
            as_text = image_dots if drawing and charset is not Charset.ASCII else image_text
            for offset, line in enumerate(as_text(image, 2 * high, high, charset)):
                self.write(row + offset, column, line, Tone.TEXT)
            return
        picture = image_cells(image, 2 * high, high, charset)
        area = (slice(row, row + high), slice(column, column + 2 * high))
        rows, columns = self.characters[area].shape
        self.characters[area] = picture.character
        self.tones[area] = Tone.PIXEL
        self.colours[area] = np.stack([picture.foreground, picture.background], axis=2)[:rows, :columns]


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
