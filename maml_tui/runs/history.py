"""What a run's journal told, in arrays: the shape in which it is plotted, tabulated and listed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from engine.runs.events import CheckpointEvent, EvaluationEvent, RequestEvent, StartedEvent, TrainEvent
    from maml_tui.runs.log import LogLine

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class TrainSamples:
    """The meta-updates that were recorded, oldest first. Arrays [n]; NaN where a number is not known or not finite.

    Of very many (see `thinning`) those stay that are an extreme of something plotted.

    Attributes:
        iteration: Meta-updates done.
        seconds: Time at work on the run (see `History`).
        loss: Query loss after adaptation.
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
    """A run up to now. Never changes: new records make a new history.

    A run that was resumed from iteration i has no samples and validations after i but those made since.
    Seconds count the time since the first start in which a worker was at work, validations included; gaps between
    workers and pauses are left out.

    Attributes:
        train: The meta-updates.
        validations: The measurements on validation tasks.
        validation_seconds: When they were made, seconds [validations].
        tests: The final measurements of the newest worker.
        log: What happened, for people, the newest last.
        answers: The newest answers to requests, the newest last.
        started: The newest worker's start, or None.
        checkpoint: The newest checkpoint, or None.
        last_train: The newest meta-update, or None.
    """

    train: TrainSamples
    validations: tuple[EvaluationEvent, ...]
    validation_seconds: Floats
    tests: tuple[EvaluationEvent, ...]
    log: tuple[LogLine, ...]
    answers: tuple[RequestEvent, ...]
    started: StartedEvent | None
    checkpoint: CheckpointEvent | None
    last_train: TrainEvent | None
