"""A run as a row of text, with as many columns as there is room for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from engine.text import printable
from maml_tui.reports.text_table import GAP, cut, padded
from maml_tui.reports.wording import MISSING, duration, moment, significant, with_interval

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from engine.runs.events import State
    from maml_tui.runs.listing import Listing, RunFacts

_MIN_NAME, _MAX_NAME = 8, 20
_ROUND = ((1_000_000, "M"), (1000, "k"))


@dataclass(frozen=True)
class Column:
    """One column. Those of the lowest rank stay longest where room is scarce."""

    heading: str
    width: int
    rank: int
    cell: Callable[[RunFacts, Listing], str]
    number: bool = False

    def fit(self, text: str) -> str:
        """Make a text exactly as wide as the column."""
        return padded(cut(text, self.width), self.width, right=self.number)


def all_columns(marks: Mapping[State, str] | None = None) -> tuple[Column, ...]:
    """Return every column in its order; `marks` is what stands before the word of each state."""
    return (
        Column("id", 4, 0, lambda facts, _: printable(facts.run.id)),
        Column("name", _MAX_NAME, 2, lambda facts, _: printable(facts.status.name) or MISSING),
        Column("state", 12 if marks else 10, 1, partial(_state, marks or {})),
        Column(
            "iter", 12, 4, lambda facts, _: progress(facts.status.iteration, facts.status.iterations), True
        ),
        Column("best val ± CI95", 17, 3, lambda facts, _: best_value(facts)),
        Column("vs best", 7, 5, lambda facts, listing: listing.behind(facts), True),
        Column("it/s", 5, 7, lambda facts, _: significant(facts.status.iterations_per_second), True),
        Column("started", 11, 6, lambda facts, listing: moment(facts.status.created, listing.now)),
        Column("time", 9, 8, lambda facts, _: duration(facts.status.seconds), True),
    )


def columns_for(width: int, id_width: int, marks: Mapping[State, str]) -> tuple[Column, ...]:
    """Return the columns that have room, in their order. The name takes what they leave."""
    narrow = {"id": id_width, "name": min(max(_MIN_NAME, width // 4), _MAX_NAME)}
    columns = [
        replace(column, width=narrow.get(column.heading, column.width)) for column in all_columns(marks)
    ]
    kept: list[Column] = []
    left = width + GAP
    for column in sorted(columns, key=lambda column: column.rank):
        if column.width + GAP > left:
            break
        left -= column.width + GAP
        kept.append(column)
    return tuple(
        replace(column, width=column.width + left) if column.heading == "name" else column
        for column in columns
        if column in kept
    )


def best_value(facts: RunFacts) -> str:
    """Write a run's best validation value and its interval; what has no sign of per cent is an MSE."""
    status = facts.status
    if status.metric is None or facts.best is None:
        return MISSING
    unit = " %" if status.metric == "accuracy" else ""
    return with_interval(status.metric, status.best, status.best_ci95) + unit


def progress(iteration: int, iterations: int | None) -> str:
    """Write how many iterations are done of how many: `18,400/60k`."""
    return f"{iteration:,}/{MISSING if iterations is None else _rounded(iterations)}"


def _rounded(number: int) -> str:
    for size, letter in _ROUND:
        if number % size == 0 and number:
            return f"{number // size:,}{letter}"
    return f"{number:,}"


def _state(marks: Mapping[State, str], facts: RunFacts, _: Listing) -> str:
    return f"{marks.get(facts.status.state, '')} {facts.status.state}".strip()
