"""What is plotted, tabulated and listed of a run, in memory that does not grow with its journal.

A run of weeks writes millions of meta-updates. A plot is a few hundred columns wide and can show no more of them than
their extremes. So all are kept up to a limit, and beyond it those that are an extreme of something plotted.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from engine.runs.events import CheckpointEvent, EvaluationEvent, Event, StartedEvent, TrainEvent
from engine.runs.journal_state import JournalState
from maml_tui.runs.event_text import EventText, event_texts

if TYPE_CHECKING:
    from engine.config.schema import RunConfig

Floats = npt.NDArray[np.float64]

MAX_SAMPLES = 1 << 16
"""Meta-updates kept at most; beyond it they are thinned to half, or a little more."""

MAX_LOG_LINES = 2000

_FIRST_ROOM = 1024
_PLOTTED = slice(2, None)  # iteration and seconds only place the others


@dataclass(frozen=True, eq=False)
class TrainSamples:
    """The meta-updates that are kept, oldest first. Arrays [n]; NaN where a number is not known or not finite.

    Attributes:
        seconds: Time at work on the run (see `History`).
        accuracy: Query accuracy after adaptation, 0 to 1; NaN for regression.
        grad_norm: Norm of the meta-gradient before clipping.
        speed: Recent meta-iterations per second.
    """

    iteration: Floats
    seconds: Floats
    loss: Floats
    accuracy: Floats
    grad_norm: Floats
    speed: Floats

    def __len__(self) -> int:
        return len(self.iteration)


@dataclass(frozen=True, eq=False)
class History:
    """A run up to now. Never changes: new events make a new history.

    A run that was resumed from iteration i has no samples and validations after i but those made since. Seconds are
    those of `JournalState`: pauses and gaps between workers are left out.

    Attributes:
        validation_seconds: When they were made, seconds [validations].
        tests: The final evaluations of the newest worker.
        log: The events in words, the newest last.
    """

    train: TrainSamples
    validations: tuple[EvaluationEvent, ...]
    validation_seconds: Floats
    tests: tuple[EvaluationEvent, ...]
    log: tuple[EventText, ...]
    started: StartedEvent | None
    checkpoint: CheckpointEvent | None
    last_train: TrainEvent | None


class HistoryBuilder:
    """Takes in the events of a journal and gives out histories."""

    def __init__(self, config: RunConfig) -> None:
        self._config = config
        self._state = JournalState()
        self._samples = SampleTable()
        self._log: deque[EventText] = deque(maxlen=MAX_LOG_LINES)
        self._history: History | None = None

    def add(self, event: Event) -> None:
        """Take in the next event."""
        self._history = None
        self._state.update(event)
        self._log.extend(event_texts(event, self._config))
        if isinstance(event, TrainEvent):
            self._samples.add(
                event.iteration,
                self._state.seconds,
                event.loss,
                math.nan if event.accuracy is None else event.accuracy,
                math.nan if event.grad_norm is None else event.grad_norm,
                event.iterations_per_second,
            )
        elif isinstance(event, StartedEvent):
            self._samples.forget_after(self._state.iteration)

    def history(self) -> History:
        """Return the run up to now; the same object until there is news."""
        if self._history is None:
            state = self._state
            self._history = History(
                train=self._samples.freeze(),
                validations=tuple(state.validations),
                validation_seconds=np.array(state.validation_seconds),
                tests=tuple(state.tests),
                log=tuple(self._log),
                started=state.started,
                checkpoint=state.checkpoint,
                last_train=state.last_train,
            )
        return self._history


class SampleTable:
    """Meta-updates in columns, oldest first. What was given out never changes."""

    def __init__(self) -> None:
        self._table = np.empty((len(fields(TrainSamples)), _FIRST_ROOM))
        self._count = 0
        self._width = 1.0

    def add(self, *values: float) -> None:
        """Append a meta-update: a value for each field of `TrainSamples`."""
        if self._count == MAX_SAMPLES:
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
        while len(kept := extremes(self._table, self._width)) > MAX_SAMPLES // 2:
            self._width *= 2
        thinned = np.empty_like(self._table)
        self._count = len(kept)
        thinned[:, : self._count] = self._table[:, kept]
        self._table = thinned


def extremes(table: Floats, width: float) -> npt.NDArray[np.intp]:
    """Return which samples are kept: of every `width` iterations those with the minimum or maximum of a column.

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
