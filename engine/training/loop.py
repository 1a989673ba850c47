"""The outer loop (paper, Algorithm 2), readable from top to bottom. Yields what happened; prints and writes nothing."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.training.state import TrainingState, out_of_patience, update, update_best

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from torch import Tensor

    from engine.config.schema import TrainingConfig
    from engine.runs.events import Measurement
    from engine.training.recorded import Replay
    from engine.training.setup import Setup


@dataclass(frozen=True)
class Updated:
    """A meta-iteration is over, its validation included if one was due: the moment to pause, save or stop.

    Where iterations are replayed it is the last of several; none of the others was such a moment.

    Attributes:
        loss: Query loss after adaptation, mean over tasks and queries (scalar tensor).
        accuracy: Query accuracy after adaptation (scalar tensor; NaN for regression).
        grad_norm: Norm of the whole meta-gradient before clipping.
    """

    loss: Tensor
    accuracy: Tensor
    grad_norm: float


@dataclass(frozen=True)
class Validated:
    """A validation is over, and the state's best is up to date."""

    measurement: Measurement
    improved: bool
    seconds: float


def meta_train(
    setup: Setup,
    state: TrainingState,
    replay: Replay | None = None,
    between: Callable[[int], None] | None = None,
    training: TrainingConfig | None = None,
) -> Iterator[Updated | Validated]:
    """Train from `state` (updated in place) to the last iteration, or until patience runs out.

    A resumed run goes on exactly as an undisturbed one: the tasks depend on the iteration's number alone.

    Args:
        replay: Takes the same iterations of this state as a recording; None to take them here.
        between: Called between the tasks of a validation; may raise to cancel it. Training that continues from there
            makes it first.
        training: When to validate and to end, in place of what the configuration says.

    Raises:
        DivergedError: After too many non-finite meta-gradients in a row.
    """
    training = training or setup.config.training
    meta_batches = setup.meta_batches(state.iteration)
    if state.validation_due:
        yield _validated(setup, state, between)
    while state.iteration < training.iterations and not out_of_patience(training, state):
        if replay is not None:
            updated = replay.advance(until_due(training, state.iteration))
        else:
            gradient, metrics = setup.way.computation.meta_gradient(state.theta, next(meta_batches))
            grad_norm = update(state, gradient, training.grad_clip)
            state.iteration += 1
            updated = Updated(metrics.loss, metrics.accuracy, grad_norm)
        state.validation_due = training.eval_every > 0 and state.iteration % training.eval_every == 0
        if state.validation_due:
            yield _validated(setup, state, between)
        yield updated


def _validated(setup: Setup, state: TrainingState, between: Callable[[int], None] | None) -> Validated:
    began = time.perf_counter()
    measurement = setup.validate(state.theta, between)
    state.validation_due = False
    return Validated(measurement, update_best(state, measurement), time.perf_counter() - began)


def until_due(training: TrainingConfig, iteration: int) -> int:
    """Return how many iterations there are to the next validation, periodic checkpoint or the end."""
    intervals = filter(None, (training.eval_every, training.checkpoint_every))
    return min([training.iterations - iteration, *(every - iteration % every for every in intervals)])
