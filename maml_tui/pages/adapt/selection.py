"""What a person wants to see: which task, adapted from which checkpoint, after how many inner steps."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from engine.services.explore_messages import MAX_STEPS, ExploreRequest

if TYPE_CHECKING:
    import random

    from engine.config.schema import Interval, RunConfig
    from engine.runs.checkpoints import Label

MIN_STEPS_OFFERED = 10
_MAX_SHOTS = 50
_NOTCHES = 20


@dataclass(frozen=True)
class Selection:
    """What is to be shown; every method returns a changed one.

    Attributes:
        shots: Support examples K.
        task: Its number in the split, from 0.
        amplitude: A instead of the task's own, or None.
        phase: phi instead of the task's own, or None.
    """

    config: RunConfig
    checkpoint: Label
    shots: int
    split: Literal["val", "test"] = "test"
    task: int = 0
    step: int = 0
    amplitude: float | None = None
    phase: float | None = None

    @classmethod
    def of(cls, config: RunConfig, checkpoint: Label) -> Selection:
        """Return the first look at a run: a task of the size it was trained on, after the step that is scored."""
        first = cls(config, checkpoint, config.task.shots)
        return replace(first, step=config.evaluation.scored_step(first.steps))

    @property
    def steps(self) -> int:
        """The last inner step that can be shown."""
        return min(MAX_STEPS, max(self.config.evaluation.curve_steps, MIN_STEPS_OFFERED))

    @property
    def tasks(self) -> int:
        """How many tasks of the split count in the run's evaluations."""
        evaluation = self.config.evaluation
        return evaluation.eval_tasks if self.split == "test" else evaluation.val_tasks

    @property
    def bent(self) -> bool:
        """Whether the curve is another than the task's own."""
        return self.amplitude is not None or self.phase is not None

    def request(self, run: str) -> ExploreRequest:
        """Return what to ask for of the run in a folder; all steps at once, so that going through them asks nothing."""
        return ExploreRequest(
            run=run,
            checkpoint=self.checkpoint,
            split=self.split,
            task=self.task,
            steps=self.steps,
            shots=self.shots,
            queries=self.config.evaluation.eval_queries,
            amplitude=self.amplitude,
            phase=self.phase,
        )

    def stepped(self, by: int) -> Selection:
        """Go some inner steps further, or back."""
        return replace(self, step=min(self.steps, max(0, self.step + by)))

    def moved(self, by: int) -> Selection:
        """Go some tasks further, or back; after the last comes the first."""
        return replace(self.own(), task=(self.task + by) % self.tasks)

    def anywhere(self, chance: random.Random) -> Selection:
        """Go to any other task."""
        return self.moved(chance.randrange(1, self.tasks))

    def with_shots(self, by: int) -> Selection:
        """Learn from more examples, or fewer."""
        return replace(self, shots=min(max(_MAX_SHOTS, self.config.task.shots), max(1, self.shots + by)))

    def other_checkpoint(self) -> Selection:
        """Go from the latest parameters to the best ones, or back."""
        return replace(self, checkpoint="best" if self.checkpoint == "latest" else "latest")

    def other_split(self) -> Selection:
        """Go from the test tasks to the validation tasks, or back."""
        return replace(self.own(), split="val" if self.split == "test" else "test", task=0)

    def higher(self, by: int, own: float) -> Selection:
        """Raise the amplitude by some notches, within what the run was trained on; `own` is the task's."""
        now = own if self.amplitude is None else self.amplitude
        return replace(self, amplitude=_notched(now, by, self.config.task.amplitude))

    def shifted(self, by: int, own: float) -> Selection:
        """Raise the phase by some notches, within what the run was trained on; `own` is the task's."""
        now = own if self.phase is None else self.phase
        return replace(self, phase=_notched(now, by, self.config.task.phase))

    def own(self) -> Selection:
        """Give the task its own curve back."""
        return replace(self, amplitude=None, phase=None)


def _notched(value: float, by: int, interval: Interval) -> float:
    """Return the round number `by` notches from `value` inside the interval; a notch is a power of ten."""
    low, high = interval
    decimals = -math.floor(math.log10((high - low) / _NOTCHES))
    notch = 10.0**-decimals
    return min(high, max(low, round((round(value / notch) + by) * notch, decimals)))
