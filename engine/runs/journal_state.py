"""What a journal says of its run: events go in one by one, the facts as of the newest event come out.

Viewers, commands and the repair of a lost status all use this reducer, so that they agree.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from engine.runs.events import (
    CheckpointEvent,
    EvaluationEvent,
    FinishedEvent,
    StartedEvent,
    StateEvent,
    TrainEvent,
)
from engine.runs.journal import EventReader

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from engine.runs.events import Event

MAX_VALIDATIONS = 2000
"""Validations kept at most, so that memory does not grow with the journal; beyond it they are thinned to half."""


class JournalState:
    """The facts of a run as of the newest event.

    A worker that resumes from iteration i repeats what came after i, so validations and the last meta-update after i
    are dropped then.

    Attributes:
        seq: Number of the newest event; -1 before the first.
        created: Time of the earliest event, Unix seconds; infinite before the first.
        seconds: Time at which workers trained or evaluated since the first start; pauses and gaps between workers are
            left out.
        worker_seconds: Time at which a worker existed, pauses included.
        finished: The newest worker's end, or None while it has not ended.
        validations: The validations, oldest first; at most `MAX_VALIDATIONS`.
        validation_seconds: `seconds` at each of them.
        tests: The newest worker's final evaluations.
    """

    def __init__(self) -> None:
        self.seq = -1
        self.created = math.inf
        self.iteration = 0
        self.seconds = 0.0
        self.worker_seconds = 0.0
        self.started: StartedEvent | None = None
        self.finished: FinishedEvent | None = None
        self.last_train: TrainEvent | None = None
        self.checkpoint: CheckpointEvent | None = None
        self.validations: list[EvaluationEvent] = []
        self.validation_seconds: list[float] = []
        self.tests: list[EvaluationEvent] = []
        self._paused = False
        self._last_time = 0.0

    @classmethod
    def read(cls, path: Path) -> JournalState:
        """Return the state after all events of a journal, read piece by piece.

        Raises:
            ResourceError: It cannot be read.
        """
        state, reader = cls(), EventReader(path)
        for lines in reader.chunks():
            for event in reader.parse(lines):
                state.update(event)
        return state

    @property
    def best(self) -> EvaluationEvent | None:
        """The validation with the best value, or None."""
        return next((event for event in reversed(self.validations) if event.improved), None)

    def update(self, event: Event) -> None:
        """Take in the next event."""
        self.seq = event.seq
        self.created = min(self.created, event.time)
        if isinstance(event, StartedEvent):
            self._start(event)
        elif isinstance(event, TrainEvent | EvaluationEvent | CheckpointEvent | StateEvent | FinishedEvent):
            self._count_time(event)
        match event:
            case TrainEvent():
                self.last_train = event
            case CheckpointEvent():
                self.checkpoint = event
            case EvaluationEvent(split="val"):
                self._add_validation(event)
            case EvaluationEvent(split="test"):
                self.tests.append(event)
            case StateEvent():
                self._paused = event.state == "paused"
            case FinishedEvent():
                self.finished = event
        if isinstance(event, TrainEvent | EvaluationEvent | CheckpointEvent | FinishedEvent):
            self.iteration = event.iteration

    def _start(self, event: StartedEvent) -> None:
        self.started, self.finished, self.tests = event, None, []
        self.iteration = event.resumed_from or 0
        self._paused, self._last_time = False, event.time
        if self.last_train is not None and self.last_train.iteration > self.iteration:
            self.last_train = None
        kept = sum(one.iteration <= self.iteration for one in self.validations)
        del self.validations[kept:], self.validation_seconds[kept:]

    def _count_time(self, event: Event) -> None:
        """Count the time since the worker's last event. Other kinds of event can be written between two workers."""
        if self.started is None or self.finished is not None:
            return
        passed = max(0.0, event.time - self._last_time)  # not negative where the clock was set back
        self._last_time = event.time
        self.worker_seconds += passed
        if not (self._paused or isinstance(event, FinishedEvent)):
            self.seconds += passed

    def _add_validation(self, event: EvaluationEvent) -> None:
        if len(self.validations) == MAX_VALIDATIONS:
            kept = spread(self.validations)
            self.validations = [self.validations[number] for number in kept]
            self.validation_seconds = [self.validation_seconds[number] for number in kept]
        self.validations.append(event)
        self.validation_seconds.append(self.seconds)


def spread(validations: Sequence[EvaluationEvent]) -> list[int]:
    """Return the indices of the validations to keep of too many, in order of their iterations: at most half of them.

    Of every 2, 4, 8, ... iterations the last validation that improved is kept, or else the last one: so the best stays.
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
