"""A picture made of characters: what a renderer fills and a widget colours, compares and prints."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntEnum

import numpy as np
import numpy.typing as npt

PALETTE = ("#0087d7", "#ff8700", "#af00ff", "#87af5f", "#d70000", "#875f87")
"""Blue, orange, violet, olive, red and plum: colours that a terminal with 256 of them has, too."""


def colour(slot: int) -> str:
    """Return the colour of the series in a slot, as `#rrggbb`; slots beyond the palette start over."""
    return PALETTE[slot % len(PALETTE)]


class Role(IntEnum):
    """What a cell shows. From RAW on it belongs to a series."""

    EMPTY = 0
    AXIS = 1
    LABEL = 2
    CROSSHAIR = 3
    RAW = 4
    LINE = 5
    BAND = 6
    NAME = 7


@dataclass(frozen=True, eq=False)
class Grid:
    """Cells of a picture, row 0 at the top. Arrays of shape [height, width].

    Attributes:
        characters: One character per cell; U+0020 where nothing is drawn.
        styles: Codes for `role_of` and `slot_of`.
        bands: 1 + the slot of the series whose confidence band covers the cell, 0 for none. Where colours allow,
            tint the background; elsewhere print `shaded()`.
        shades: The character that shows the band in a cell that is empty otherwise.
    """

    characters: npt.NDArray[np.str_]
    styles: npt.NDArray[np.int16]
    bands: npt.NDArray[np.int16]
    shades: npt.NDArray[np.str_]

    @staticmethod
    def blank(width: int, height: int) -> Grid:
        """Return an empty picture."""
        shape = (height, width)
        codes = np.zeros(shape, dtype=np.int16)
        return Grid(np.full(shape, " "), codes, codes.copy(), np.full(shape, " "))

    def window(self, rows: slice, columns: slice) -> Grid:
        """Return a part of the picture; drawing into it draws into the whole."""
        area = (rows, columns)
        return Grid(self.characters[area], self.styles[area], self.bands[area], self.shades[area])

    def shaded(self) -> Grid:
        """Return the picture with confidence bands drawn in characters, for terminals without tinted grounds."""
        there = (self.bands > 0) & (self.characters == " ") & (self.shades != " ")
        return replace(
            self,
            characters=np.where(there, self.shades, self.characters),
            styles=np.where(there, (self.bands - 1) * len(Role) + Role.BAND, self.styles),
        )

    def rows(self) -> list[str]:
        """Return the picture as lines of text, each exactly as wide as the picture."""
        return ["".join(row) for row in self.characters]

    def write(self, row: int, column: int, text: str, style: int) -> None:
        """Write text into one row; what lies beyond the edges is cut off."""
        height, width = self.characters.shape
        for place, character in enumerate(text, column):
            if 0 <= row < height and 0 <= place < width:
                self.characters[row, place] = character
                self.styles[row, place] = style


def style_code(role: Role, slot: int = 0) -> int:
    """Return the style code of a cell with this role, of the series in this slot."""
    return slot * len(Role) + role


def role_of(code: int) -> Role:
    """Return the role in a style code."""
    return Role(code % len(Role))


def slot_of(code: int) -> int:
    """Return the slot of the series in a style code (0 for cells that belong to none)."""
    return code // len(Role)


@dataclass(frozen=True)
class Span:
    """Cells `start` to `stop - 1` of one row."""

    row: int
    start: int
    stop: int


def changed_regions(old: Grid | None, new: Grid) -> tuple[Span, ...]:
    """Return the spans of cells to repaint so that a screen that shows `old` shows `new`.

    Spans closer than a cursor movement is long are joined. All of `new` is returned if the sizes differ.
    """
    height, width = new.characters.shape
    if old is None or old.characters.shape != new.characters.shape:
        return tuple(Span(row, 0, width) for row in range(height))
    changed = (old.characters != new.characters) | (old.styles != new.styles) | (old.bands != new.bands)
    return tuple(
        span for row in np.flatnonzero(changed.any(axis=1)) for span in _spans(int(row), changed[row])
    )


_CURSOR_MOVE = 6
"""Bytes of an escape sequence that skips unchanged cells."""


def _spans(row: int, changed: npt.NDArray[np.bool_]) -> list[Span]:
    columns = np.flatnonzero(changed)
    jumps = np.flatnonzero(np.diff(columns) > _CURSOR_MOVE) + 1
    return [Span(row, int(part[0]), int(part[-1]) + 1) for part in np.split(columns, jumps)]
