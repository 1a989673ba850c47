"""A comparison as lines of text, to stand beside the plot, or alone where there is no room for one."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from maml_tui.comparing.sheet import Sheet

_WIDEST = 22


def pair_lines(table: Sheet) -> list[str]:
    """Return the differences under their headings; nothing where there are none."""
    return aligned([table.pair_columns, *table.pairs]) if table.pairs else []


def run_lines(table: Sheet, signs: Sequence[str]) -> list[str]:
    """Return the facts and, below them, the options that differ, under the runs' letters and ids.

    Args:
        table: The comparison.
        signs: What the line of each run looks like in the plot.
    """
    heads = (
        f"{column[0]} {sign}{column[1:]}" for column, sign in zip(table.columns[1:], signs, strict=False)
    )
    gap = [("",) * len(table.columns)] if table.options else []
    return aligned([("", *heads), *table.facts, *gap, *table.options])


def brief(table: Sheet) -> list[str]:
    """Return the differences and the results alone, the most telling line first."""
    return aligned(table.pairs) + aligned(list(zip(table.columns[1:], table.results, strict=True)))


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return rows of cells as lines, each column as wide as its widest cell, which is cut short if it is too wide."""
    short = [[cell if len(cell) <= _WIDEST else f"{cell[: _WIDEST - 2]}.." for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*short, strict=True)]
    return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in short]
