"""All that changes during training, and how one meta-gradient changes it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from engine.errors import DivergedError
from engine.evaluation.evaluator import is_better, score
from engine.training.adam import Adam

if TYPE_CHECKING:
    from torch import Tensor

    from engine.algorithms.adapt import Params
    from engine.config.schema import TrainingConfig
    from engine.runs.events import Measurement

MAX_SKIPPED_IN_A_ROW = 10
"""Non-finite meta-gradients in a row after which training is given up."""


@dataclass
class TrainingState:
    """All that changes during training; what a checkpoint holds.

    Attributes:
        theta: The meta-learned parameters. They never require a gradient: meta-gradients are computed functionally.
        iteration: Meta-updates done, skipped ones included.
        best: Best validation value so far, None before the first.
        best_ci95: Half width of its 95 % interval.
        without_gain: Validations since then.
        skipped: Meta-updates left out because the meta-gradient was not finite.
        skipped_in_a_row: How many of those came last, one after the other.
        validation_due: Whether the validation of this iteration is still to be made, or was cancelled.
    """

    theta: Params
    optimizer: Adam
    iteration: int = 0
    best: float | None = None
    best_ci95: float | None = None
    best_iteration: int | None = None
    without_gain: int = 0
    skipped: int = 0
    skipped_in_a_row: int = 0
    validation_due: bool = False


def fresh_state(theta: Params, meta_lr: float) -> TrainingState:
    """Return the state before the first iteration; `theta` is updated in place from there on."""
    return TrainingState(theta, Adam(theta.values(), meta_lr))


def update(state: TrainingState, gradient: Params, clip: float) -> float:
    """Take one step of Adam along the meta-gradient, or none if that is not finite.

    Return the gradient's norm before clipping.

    Args:
        state: Updated in place.
        clip: Bound on each element's magnitude; 0 for none.

    Raises:
        DivergedError: If this is one non-finite gradient too many.
    """
    norm = float(torch.nn.utils.get_total_norm(gradient.values()))
    if not math.isfinite(norm):
        skip(state)
        return norm
    state.skipped_in_a_row = 0
    descend(state, gradient, clip)
    return norm


def descend(state: TrainingState, gradient: Params, clip: float, skip: Tensor | None = None) -> None:
    """Take one step of Adam along the meta-gradient; see `update` and `Adam.step`."""
    for name, parameter in state.theta.items():
        parameter.grad = gradient[name].clamp(-clip, clip) if clip else gradient[name]
    state.optimizer.step(skip)


def skip(state: TrainingState) -> None:
    """Count a meta-update that is left out; give up after too many in a row."""
    state.skipped += 1
    state.skipped_in_a_row += 1
    hold_to_limit(state.skipped_in_a_row, state.iteration + 1)


def hold_to_limit(skipped_in_a_row: int, iteration: int) -> None:
    """Give up if the meta-updates left out up to `iteration` are too many in a row."""
    if skipped_in_a_row >= MAX_SKIPPED_IN_A_ROW:
        raise DivergedError(
            f"the last {MAX_SKIPPED_IN_A_ROW} meta-gradients, up to iteration {iteration}, were not finite: "
            "lower inner_lr or meta_lr, or set grad_clip"
        )


def update_best(state: TrainingState, measurement: Measurement) -> bool:
    """Keep account of the best validation; return whether this one is it."""
    value, ci95 = score(measurement, measurement.protocol.steps)
    if not is_better(value, state.best, measurement.metric):
        state.without_gain += 1
        return False
    state.best, state.best_ci95, state.best_iteration = value, ci95, state.iteration
    state.without_gain = 0
    return True


def out_of_patience(training: TrainingConfig, state: TrainingState) -> bool:
    """Tell whether training is to stop early."""
    return 0 < training.patience <= state.without_gain
