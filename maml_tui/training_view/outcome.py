"""What a run reached in the end, beside what others published."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from maml_tui.results import result_table
from maml_tui.training_view.lines import Line, Panel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from maml_tui.training_view.scene import Scene

_NARROWEST_NOTE = 30


def outcome(scene: Scene, width: int) -> Panel:
    """Return the table of the test tasks, the scored step in bold, and the notes below, wrapped to the width."""
    result = scene.watch.result
    if result is None or not result.measurements:
        return Panel("Result", [(("not measured yet: it comes at the end of the run", "dim"),)])
    table = result_table(scene.watch.config, result.measurements, result.fingerprint)
    rows = _aligned([table.columns, *table.rows])
    notes = (
        line
        for note in table.notes
        for line in textwrap.wrap(note, max(_NARROWEST_NOTE, width), subsequent_indent="  ")
    )
    lines: list[Line] = [((rows[0], "dim"),)]
    lines += [((row, "strong" if at == table.scored else ""),) for at, row in enumerate(rows[1:])]
    return Panel("Result on the test tasks", [*lines, (), *(((note, "dim"),) for note in notes)])


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the rows of a table as text, the first column at the left, the others at the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        f"{row[0]:<{widths[0]}}"
        + "".join(f"  {cell:>{width}}" for cell, width in zip(row[1:], widths[1:], strict=True))
        for row in rows
    ]
