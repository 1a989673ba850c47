"""The layout of every table: text measured in cells of a terminal, cut, padded, wrapped and aligned.

A character takes 0, 1 or 2 cells, so `len` misaligns what is called `ふくろう`. Rich, which Textual draws with, has the
tables of Unicode; it is loaded for the first text that needs them, as commands that list runs should start at once.
"""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

GAP = 2
"""Cells between columns."""

_NARROW_BELOW = "\u0300"
"""ASCII, Latin letters, `±` and `×`: printable characters up to here, the first combining one, take one cell each."""

_FILLER = "\ue000"
"""Stands for the second cell of a wide character while text is wrapped; a private code point, no blank."""


def cell_width(text: str) -> int:
    """Return how many cells a printable text takes."""
    if _is_narrow(text):
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def cut(text: str, width: int, ellipsis: str = "…") -> str:
    """Return a text that takes at most `width` cells; where it takes more, its beginning and an ellipsis."""
    if cell_width(text) <= width:
        return text
    room = max(0, width - len(ellipsis))
    if _is_narrow(text):
        start = text[:room]
    else:
        from rich.cells import set_cell_size

        start = set_cell_size(text, room)
    return start + ellipsis[: max(0, width)]


def padded(text: str, width: int, *, right: bool = False) -> str:
    """Return a text with blanks behind it, or before it to align it to the right, up to `width` cells."""
    blanks = " " * (width - cell_width(text))
    return blanks + text if right else text + blanks


def wrapped(text: str, width: int, indent: str = "") -> list[str]:
    """Return lines of whole words of at most `width` cells, all but the first indented; long words stay whole."""
    filled = text if _is_narrow(text) else "".join(one + _FILLER * (cell_width(one) - 1) for one in text)
    lines = textwrap.wrap(
        filled, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )
    return [line.replace(_FILLER, "") for line in lines]


def column_widths(rows: Sequence[Sequence[str]]) -> list[int]:
    """Return for each column of a table how many cells its widest text takes."""
    return [max(map(cell_width, column)) for column in zip(*rows, strict=True)]


def table_width(rows: Sequence[Sequence[str]]) -> int:
    """Return how many cells a line of the table takes."""
    widths = column_widths(rows)
    return sum(widths) + GAP * (len(widths) - 1)


def aligned(rows: Sequence[Sequence[str]], *, numbers: bool = False) -> list[str]:
    """Return the rows of a table as lines; `numbers` aligns all columns but the first to the right."""
    widths = column_widths(rows)
    return [
        (" " * GAP)
        .join(
            padded(text, width, right=numbers and place > 0)
            for place, (text, width) in enumerate(zip(row, widths, strict=True))
        )
        .rstrip()
        for row in rows
    ]


def _is_narrow(text: str) -> bool:
    return text.isascii() or max(text) < _NARROW_BELOW
