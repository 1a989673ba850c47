"""A grid of cells with pictures among text: what the pictures and scores of a task are laid out on."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING
from unicodedata import normalize

import numpy as np

from maml_tui.plotting import Charset
from maml_tui.plotting.pictures import image_cells, image_dots, image_text
from maml_tui.reports.text_table import cell_width, cut

if TYPE_CHECKING:
    import numpy.typing as npt

    from maml_tui.plotting.pictures import Image


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
            row: Its top.
            column: Its left edge.
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
