"""The step size of fine-tuning, for networks that were not trained for one: the best on validation tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.evaluation.evaluator import evaluate, is_better, score

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from engine.acceleration.native.library import Library
    from engine.algorithms.adapt import Params
    from engine.algorithms.learner import Learner
    from engine.runs.events import Protocol
    from engine.tasks.episode import TaskSource

STEP_SIZES = (0.0, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
"""Those tried. None at all is one of them: fine-tuning can only harm a network that knows the task."""

MAX_TASKS = 100
"""Validation tasks that each is tried on, at most: the same for all, so that few tell them apart."""


def best_step_size(
    learner: Learner,
    theta: Params,
    source: TaskSource,
    protocol: Protocol,
    others: Sequence[Params] = (),
    library: Library | None = None,
    between: Callable[[int], None] | None = None,
) -> float:
    """Return the step size with the best mean metric after the last step; 0 if all diverge.

    Args:
        learner: The network and its losses.
        theta: The parameters to fine-tune.
        source: Where the tasks come from.
        protocol: How to measure, on validation tasks.
        others: The parameters of the other members of an ensemble.
        library: See `evaluate`.
        between: Called every few tasks with 0, as none of those asked for is done yet; may raise to call it off.
    """
    protocol = protocol.model_copy(update={"tasks": min(protocol.tasks, MAX_TASKS)})
    chosen, best = STEP_SIZES[0], None
    none_done = None if between is None else lambda _: between(0)
    for step_size in STEP_SIZES:
        curves = evaluate(learner, theta, source, protocol, step_size, none_done, others, library)
        measurement = curves.summarise()
        value, _ = score(measurement, protocol.steps)
        if is_better(value, best, measurement.metric):
            chosen, best = step_size, value
    return chosen
