"""Which checkpoints are the best on validation: as many as a run keeps, in an order that no resumption changes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from engine.evaluation.evaluator import is_better
from engine.runs.checkpoints import Standing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.runs.checkpoints import RankedRecord
    from engine.training.state import TrainingState


def standing(
    value: float, state: TrainingState, ranking: Sequence[RankedRecord], keep: int, metric: str
) -> Standing | None:
    """Return where a validation puts the state among the best so far; None where it is not one of them.

    Of equal ones the earlier is the better.

    Args:
        value: The metric on the validation tasks, just measured.
        state: What was measured, its own account of the best up to date.
        ranking: The best before, best first.
        keep: How many are kept.
        metric: Which metric it is.
    """
    if not math.isfinite(value):
        return None
    # A worker that was killed may have kept some that training, taken up at an earlier checkpoint, comes to again.
    earlier = [record for record in ranking if record.iteration < state.iteration]
    ahead = sum(not is_better(value, record.value, metric) for record in earlier)
    ahead = 0 if state.best_iteration == state.iteration else max(1, ahead)
    if ahead >= keep:
        return None
    return Standing(value, tuple(earlier[:ahead]), tuple(earlier[ahead : keep - 1]))
