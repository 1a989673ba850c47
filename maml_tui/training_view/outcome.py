"""What a run reached in the end, beside what others published."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from maml_tui.results import result_tables
from maml_tui.training_view.lines import Line, Panel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from maml_tui.results import ResultTable
    from maml_tui.training_view.scene import Scene

_NARROWEST_NOTE = 30


def outcome(scene: Scene, width: int) -> Panel:
    """Return the table of the test tasks, the scored step in bold, and the notes below, wrapped to the width.

    Where the best and the last parameters have no room side by side, they stand one below the other.
    """
    result = scene.watch.result
    if result is None or not result.measurements:
        return Panel("Result", [(("not measured yet: it comes at the end of the run", "dim"),)])
    tables = result_tables(scene.watch.config, result.measurements, result.fingerprint, width)
    notes = (
        line
        for note in tables[-1].notes
        for line in textwrap.wrap(note, max(_NARROWEST_NOTE, width), subsequent_indent="  ")
    )
    lines = [line for table in tables for line in (*_lines(table), ())]
    return Panel("Result on the test tasks", [*lines, *(((note, "dim"),) for note in notes)])


def _lines(table: ResultTable) -> list[Line]:
    heading, *rows = _aligned([table.columns, *table.rows])
    scored: list[Line] = [((row, "strong" if at == table.scored else ""),) for at, row in enumerate(rows)]
    return [((heading, "dim"),), *scored]


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the rows of a table as text, the first column at the left, the others at the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        f"{row[0]:<{widths[0]}}"
        + "".join(f"  {cell:>{width}}" for cell, width in zip(row[1:], widths[1:], strict=True))
        for row in rows
    ]
