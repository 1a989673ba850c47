"""Keeping what is plotted of a run in bounded memory, however long the run."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from maml_tui.runs.history import Floats, TrainSamples

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.runs.events import EvaluationEvent

MOST_SAMPLES = 1 << 16
"""Meta-updates kept at most; from there on they are thinned to half, or a little more."""

MOST_VALIDATIONS = 2000
"""Validations kept at most."""

_FIRST_ROOM = 1024
_COLUMNS = len(fields(TrainSamples))
_PLOTTED = slice(2, None)  # iteration and seconds only place the others


class Samples:
    """Meta-updates in columns, oldest first. What was given out never changes."""

    def __init__(self) -> None:
        self._table = np.empty((_COLUMNS, _FIRST_ROOM))
        self._count = 0
        self._width = 1.0

    def add(self, *values: float) -> None:
        """Append a meta-update: a value for each field of `TrainSamples`."""
        if self._count == MOST_SAMPLES:
            self._thin()
        elif self._count == self._table.shape[1]:
            self._table = np.concatenate([self._table, np.empty_like(self._table)], axis=1)
        self._table[:, self._count] = values
        self._count += 1

    def freeze(self) -> TrainSamples:
        """Return them in a shape that later ones leave alone."""
        return TrainSamples(*self._table[:, : self._count])

    def forget_after(self, iteration: int) -> None:
        """Drop the meta-updates after an iteration."""
        self._count = int(np.searchsorted(self._table[0, : self._count], iteration, side="right"))
        self._table = self._table.copy()  # those given out still show what is overwritten now

    def _thin(self) -> None:
        while len(kept := extremes(self._table, self._width)) > MOST_SAMPLES // 2:
            self._width *= 2
        thinned = np.empty_like(self._table)
        self._count = len(kept)
        thinned[:, : self._count] = self._table[:, kept]
        self._table = thinned


def extremes(table: Floats, width: float) -> npt.NDArray[np.intp]:
    """Return which samples are kept: of every `width` iterations those with the least and the greatest of a column.

    So no spike is lost. A value that is not a number is kept too, since it is a gap in the plot.

    Args:
        table: Columns of samples `[columns, samples]`; iterations, which ascend, and times are the first two.
        width: Iterations of which at most twelve samples are kept.
    """
    stretch = np.floor(table[0] / width)
    first = np.flatnonzero(np.diff(np.sort(stretch), prepend=-np.inf))
    kept = np.zeros(table.shape[1], dtype=np.bool_)
    for column in table[_PLOTTED]:
        least, greatest = np.lexsort((column, stretch)), np.lexsort((-column, stretch))
        last = np.append(first[1:], len(stretch)) - 1
        # The sort puts what is not a number last.
        kept[least[first]] = kept[greatest[first]] = kept[least[last]] = True
    return np.flatnonzero(kept)


def spread(validations: Sequence[EvaluationEvent]) -> list[int]:
    """Return which of too many validations, in order of their iterations, are kept, so that half or fewer are left.

    Of every 2, 4, 8, ... iterations the last one that was the best so far stays, else the last one: so the best stays.
    """
    width, kept = 1, list(range(len(validations)))
    while len(kept) > max(2, len(validations) // 2):
        width *= 2
        chosen: dict[int, int] = {}
        for number in kept:
            before = chosen.get(validations[number].iteration // width)
            if before is None or validations[number].improved or not validations[before].improved:
                chosen[validations[number].iteration // width] = number
        kept = list(chosen.values())
    return kept
