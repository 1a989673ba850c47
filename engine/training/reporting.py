"""How often training tells of itself, and how long it will still take."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from engine.runs.events import TrainEvent

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.config.schema import RunConfig
    from engine.training.loop import Updated
    from engine.training.state import TrainingState


@dataclass
class Pace:
    """A running mean of the seconds something takes, in which recent occasions weigh more."""

    memory: float = 0.9
    _seconds: float = 0.0
    _weight: float = 0.0

    def add(self, seconds: float, occasions: int = 1) -> None:
        """Count `occasions` that took `seconds` in all."""
        self._seconds = self.memory * self._seconds + seconds
        self._weight = self.memory * self._weight + occasions

    @property
    def seconds(self) -> float:
        """Seconds an occasion takes; NaN before the first."""
        return self._seconds / self._weight if self._weight else math.nan


@dataclass
class Forecast:
    """The pace of meta-iterations and of evaluations, and what is still to come.

    Attributes:
        evaluated_steps: Pace of evaluating one task for one inner step.
    """

    iterations: Pace = field(default_factory=Pace)
    evaluated_steps: Pace = field(default_factory=Pace)

    def seconds_left(self, iterations: int, task_steps: int) -> float:
        """Return the seconds that so many meta-iterations and task-steps of evaluation take.

        Before the first evaluation, its share is unknown and left out. NaN before the first iteration.
        """
        evaluation = self.evaluated_steps.seconds * task_steps
        return self.iterations.seconds * iterations + (0.0 if math.isnan(evaluation) else evaluation)


_FIRST_SECONDS = 0.5
_PER_LENGTH = 1000


@dataclass
class Reporter:
    """Decides when a `train` record is due and measures the pace between two of them.

    Records come half a second apart at first and rarer as training goes on, a thousandth of the time so far, which
    bounds their number. The time of evaluations, checkpoints and pauses is not counted as training.
    """

    config: RunConfig
    clock: Callable[[], float] = time.perf_counter
    forecast: Forecast = field(default_factory=Forecast)
    _trained: float = 0.0
    _since: float = math.nan
    _iteration: int = 0
    _reported: float = -math.inf

    def start(self, iteration: int) -> None:
        """Begin to count at `iteration`."""
        self._since, self._iteration = self.clock(), iteration

    def leave_out(self, seconds: float) -> None:
        """Do not count `seconds` just spent on something else than training."""
        self._since += seconds

    def report(self, state: TrainingState, update: Updated) -> TrainEvent | None:
        """Return the record of the update just made, or None if none is due."""
        elapsed = self.clock() - self._since
        if self._trained + elapsed < self._reported + max(_FIRST_SECONDS, self._trained / _PER_LENGTH):
            return None
        iterations = state.iteration - self._iteration
        self.forecast.iterations.add(elapsed, iterations)
        self._trained += elapsed
        self._reported = self._trained
        self.start(state.iteration)
        per_second = iterations / max(elapsed, 1e-9)
        return TrainEvent(
            iteration=state.iteration,
            loss=float(update.loss),
            accuracy=None if self.config.is_regression else float(update.accuracy),
            grad_norm=update.grad_norm if math.isfinite(update.grad_norm) else None,
            iterations_per_second=per_second,
            tasks_per_second=per_second * self.config.training.meta_batch_size,
            eta_seconds=self.seconds_left(state),
            skipped=state.skipped,
        )

    def evaluated(self, seconds: float, tasks: int, steps: int) -> None:
        """Count an evaluation that took `seconds`."""
        self.forecast.evaluated_steps.add(seconds, tasks * (steps + 1))
        self.leave_out(seconds)

    def seconds_left(self, state: TrainingState) -> float:
        """Return the estimated seconds to the end of the run, its evaluations included."""
        training, evaluation = self.config.training, self.config.evaluation
        validations = 0
        if training.eval_every:
            validations = training.iterations // training.eval_every - state.iteration // training.eval_every
        task_steps = validations * evaluation.val_tasks * (evaluation.eval_steps + 1)
        task_steps += 2 * evaluation.eval_tasks * (evaluation.curve_steps + 1)
        return self.forecast.seconds_left(training.iterations - state.iteration, task_steps)
