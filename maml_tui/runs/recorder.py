"""From the records of a journal, one after the other, to its history."""

from __future__ import annotations

import math
from collections import deque
from typing import TYPE_CHECKING

import numpy as np

from engine.runs.events import (
    CheckpointEvent,
    EvaluationEvent,
    FinishedEvent,
    RequestEvent,
    StartedEvent,
    StateEvent,
    TrainEvent,
)
from maml_tui.runs.history import History
from maml_tui.runs.log import LogLine, log_lines
from maml_tui.runs.thinning import MOST_VALIDATIONS, Samples, spread

if TYPE_CHECKING:
    from engine.config.schema import RunConfig
    from engine.runs.events import Event

MOST_LOG_LINES = 2000
MOST_ANSWERS = 64


class Recorder:
    """Takes in records and gives out histories, in memory that does not grow with the journal."""

    def __init__(self, config: RunConfig) -> None:
        self._config = config
        self._clock = _WorkClock()
        self._samples = Samples()
        self._validations: list[EvaluationEvent] = []
        self._validation_seconds: list[float] = []
        self._tests: list[EvaluationEvent] = []
        self._log: deque[LogLine] = deque(maxlen=MOST_LOG_LINES)
        self._answers: deque[RequestEvent] = deque(maxlen=MOST_ANSWERS)
        self._started: StartedEvent | None = None
        self._checkpoint: CheckpointEvent | None = None
        self._last_train: TrainEvent | None = None
        self._history: History | None = None

    def add(self, event: Event) -> None:
        """Take in the next record."""
        self._history = None
        self._clock.tick(event)
        self._log.extend(log_lines(event, self._config))
        match event:
            case TrainEvent():
                self._add_sample(event)
            case EvaluationEvent(split="val"):
                self._add_validation(event)
            case EvaluationEvent(split="test"):
                self._tests.append(event)
            case RequestEvent():
                self._answers.append(event)
            case CheckpointEvent():
                self._checkpoint = event
            case StartedEvent():
                self._started = event
                self._tests = []
                self._go_back(event.resumed_from or 0)

    def history(self) -> History:
        """Return all that was taken in, in a shape that later records leave alone; the same one until there is news."""
        if self._history is None:
            self._history = self._freeze()
        return self._history

    def _freeze(self) -> History:
        return History(
            train=self._samples.freeze(),
            validations=tuple(self._validations),
            validation_seconds=np.array(self._validation_seconds),
            tests=tuple(self._tests),
            log=tuple(self._log),
            answers=tuple(self._answers),
            started=self._started,
            checkpoint=self._checkpoint,
            last_train=self._last_train,
        )

    def _add_sample(self, event: TrainEvent) -> None:
        self._samples.add(
            event.iteration,
            self._clock.seconds,
            event.loss,
            math.nan if event.accuracy is None else event.accuracy,
            math.nan if event.grad_norm is None else event.grad_norm,
            event.iterations_per_second,
        )
        self._last_train = event

    def _add_validation(self, event: EvaluationEvent) -> None:
        if len(self._validations) == MOST_VALIDATIONS:
            kept = spread(self._validations)
            self._validations = [self._validations[number] for number in kept]
            self._validation_seconds = [self._validation_seconds[number] for number in kept]
        self._validations.append(event)
        self._validation_seconds.append(self._clock.seconds)

    def _go_back(self, iteration: int) -> None:
        """Forget what came after an iteration: that work was lost, and is done again."""
        self._samples.forget_after(iteration)
        if self._last_train is not None and self._last_train.iteration > iteration:
            self._last_train = None
        kept = sum(event.iteration <= iteration for event in self._validations)
        del self._validations[kept:], self._validation_seconds[kept:]


class _WorkClock:
    """Tells how long workers have been at work, from the times at which they wrote.

    Only records that a worker writes between its start and its end count, so that whatever is written in a gap, such
    as the answer to a stale request, does not count the gap. Neither does a clock that was set back.
    """

    def __init__(self) -> None:
        self.seconds = 0.0
        self._last = 0.0
        self._working = False

    def tick(self, event: Event) -> None:
        match event:
            case StartedEvent():
                self._working, self._last = True, event.time
            case FinishedEvent():
                self._working = False
            case TrainEvent() | EvaluationEvent() | CheckpointEvent() | StateEvent():
                self.seconds += max(0.0, event.time - self._last) if self._working else 0.0
                self._last = event.time
                if isinstance(event, StateEvent):
                    self._working = event.state != "paused"
