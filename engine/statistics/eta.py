"""How long a run still takes, evaluations included."""

from __future__ import annotations

import math
from dataclasses import dataclass, field


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
        """Seconds an occasion takes; not a number before the first."""
        return self._seconds / self._weight if self._weight else math.nan


@dataclass
class Forecast:
    """The pace of meta-iterations and of evaluations, and what is still to come.

    Attributes:
        iterations: Pace of the meta-iterations.
        evaluated_steps: Pace of evaluating one task for one inner step.
    """

    iterations: Pace = field(default_factory=Pace)
    evaluated_steps: Pace = field(default_factory=Pace)

    def seconds_left(self, iterations: int, task_steps: int) -> float:
        """Return the seconds that so many meta-iterations and task-steps of evaluation take.

        Before the first evaluation, its share is unknown and left out. Not a number before the first iteration.
        """
        evaluation = self.evaluated_steps.seconds * task_steps
        return self.iterations.seconds * iterations + (0.0 if math.isnan(evaluation) else evaluation)
