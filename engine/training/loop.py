"""The outer loop (paper, Algorithm 2), readable from top to bottom. Yields what happened; prints and writes nothing."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from engine.acceleration.ways import Path, choose_path
from engine.algorithms.registry import build_algorithm, build_learner
from engine.errors import DivergedError
from engine.evaluation.evaluator import evaluate, is_better, protocol_for, score
from engine.evaluation.step_size import best_step_size
from engine.models.build import build_model
from engine.tasks.images import LabelledImages
from engine.tasks.sampling import Split, Stream
from engine.tasks.sources import build_source, training_shape
from engine.training.adam import Adam

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from engine.algorithms.adapt import Params
    from engine.algorithms.learner import Learner
    from engine.algorithms.maml import MAML
    from engine.config.schema import RunConfig, TrainingConfig
    from engine.evaluation.evaluator import TaskCurves
    from engine.runs.events import Measurement, Protocol
    from engine.tasks.episode import Episodes, TaskSource
    from engine.training.recorded import Replay

MOST_SKIPPED_IN_A_ROW = 10
"""Non-finite meta-gradients in a row after which training is given up."""

# Meta-batches drawn at once, and the numbers in them: drawing a small one takes as long as computing with it.
_MOST_DRAWN = 64
_DRAWN_NUMBERS = 2**18


@dataclass
class TrainingState:
    """All that changes during training; what a checkpoint holds.

    Attributes:
        theta: The meta-learned parameters. They never require a gradient: meta-gradients are computed functionally.
        optimizer: Adam over `theta`.
        iteration: Meta-updates done, skipped ones included.
        best: Best validation value so far, None before the first.
        best_ci95: Half width of its 95 % interval.
        best_iteration: Where it was reached.
        without_gain: Validations since then.
        skipped: Meta-updates left out because the meta-gradient was not finite.
        skipped_in_a_row: How many of those came last, one after the other.
        validation_due: Whether the validation of this iteration is still to be made, or was called off.
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


@dataclass(frozen=True)
class Setup:
    """All that stays the same during training.

    Attributes:
        config: The run's configuration.
        device: Where it computes.
        source: p(T).
        learner: The network and its losses, as measured.
        algorithm: How theta learns.
    """

    config: RunConfig
    device: torch.device
    source: TaskSource
    learner: Learner
    algorithm: MAML

    @classmethod
    def build(cls, config: RunConfig, device: torch.device) -> Setup:
        """Load the data and build the network that a configuration describes.

        Raises:
            ResourceError: If the data set is not installed.
            UsageError: If data, network and episode size do not fit together.
        """
        source = build_source(config, device)
        classes = source.training_classes if isinstance(source, LabelledImages) else 0
        learner = build_learner(config, build_model(config, source.input_shape, classes)).to(device)
        return cls(config, device, source, learner, build_algorithm(config, learner))

    def initial_state(self) -> TrainingState:
        """Return the state before the first iteration: the network's initialisation, on the device."""
        parameters = self.learner.model.named_parameters()
        theta = {name: value.detach().to(self.device, copy=True) for name, value in parameters}
        return fresh_state(theta, self.config.training.meta_lr if self.config.learns else 0.0)

    @cached_property
    def path(self) -> Path:
        """The fastest way to compute the meta-gradient here; chosen, and held to the reference, at first use."""
        return choose_path(self.config, self.algorithm, self.source)

    def episodes(self, iteration: int | Tensor, iterations: int = 1) -> Episodes:
        """Return the meta-batches of some iterations from `iteration` on (counted from 0), in a row."""
        training = self.config.training
        tasks = torch.arange(iterations * training.meta_batch_size, device=self.device)
        tasks = tasks + iteration * training.meta_batch_size
        return self.source.sample(Stream(training.seed, Split.TRAIN), tasks, training_shape(self.config))

    def meta_batches(self, iteration: int) -> Iterator[Episodes]:
        """Yield the meta-batch of `iteration` and of every one after it, drawing small ones many at a time."""
        count = 1
        while True:
            drawn = self.episodes(iteration, count)
            yield from drawn.split(self.config.training.meta_batch_size)
            iteration += count
            numbers = sum(part.numel() for part in drawn.tensors()) // count
            count = min(_MOST_DRAWN, max(1, _DRAWN_NUMBERS // numbers))

    def measure(
        self,
        theta: Params,
        split: Split,
        *,
        tasks: int,
        steps: int,
        between: Callable[[int], None] | None = None,
    ) -> TaskCurves:
        """Evaluate parameters by the configuration's own protocol; see `evaluate`."""
        return self.measure_by(protocol_for(self.config, split, tasks=tasks, steps=steps), theta, between)

    def measure_by(
        self,
        protocol: Protocol,
        theta: Params,
        between: Callable[[int], None] | None = None,
        others: Sequence[Params] = (),
    ) -> TaskCurves:
        """Evaluate parameters by any protocol; noted in it are a step size chosen for them, and an ensemble's size.

        Args:
            protocol: How to measure.
            theta: The parameters.
            between: See `evaluate`.
            others: Those of the other members of an ensemble.
        """
        step_size = self.step_size(theta, protocol, others, between)
        if self.config.is_fine_tuned:
            protocol = protocol.model_copy(update={"step_size": step_size})
        if others:
            protocol = protocol.model_copy(update={"ensemble": 1 + len(others)})
        library = self.path.library
        return evaluate(self.learner, theta, self.source, protocol, step_size, between, others, library)

    def step_size(
        self,
        theta: Params,
        protocol: Protocol,
        others: Sequence[Params] = (),
        between: Callable[[int], None] | None = None,
    ) -> float:
        """Return the alpha of adaptation: the configured one or, for fine-tuning, the best on validation tasks.

        Best after the step that is scored: the configuration's, or the last where fewer are taken.
        """
        if not self.config.is_fine_tuned:
            return self.config.algorithm.inner_lr
        evaluation = self.config.evaluation
        steps = min(protocol.steps, evaluation.eval_steps)
        tried = {"split": "val", "tasks": evaluation.val_tasks, "steps": steps}
        protocol, library = protocol.model_copy(update=tried), self.path.library
        return best_step_size(self.learner, theta, self.source, protocol, others, library, between)

    def validate(self, theta: Params, between: Callable[[int], None] | None = None) -> Measurement:
        """Evaluate parameters on the validation tasks; see `evaluate`."""
        tasks, steps = self.config.evaluation.val_tasks, self.config.evaluation.eval_steps
        return self.measure(theta, Split.VAL, tasks=tasks, steps=steps, between=between).summarise()


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
    """A validation is over, and the state's best is up to date.

    Attributes:
        measurement: What was measured.
        improved: Whether it is the best so far.
        seconds: How long it took.
    """

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
        setup: What is trained.
        state: Where training stands.
        replay: Takes the same iterations of this state as a recording; None to take them here.
        between: Called between the tasks of a validation; may raise to call it off. Training that goes on from there
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
            gradient, metrics = setup.path.way.meta_gradient(state.theta, next(meta_batches))
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
    return Validated(measurement, note(state, measurement), time.perf_counter() - began)


def fresh_state(theta: Params, meta_lr: float) -> TrainingState:
    """Return the state before the first iteration; `theta` is updated in place from there on."""
    return TrainingState(theta, Adam(theta.values(), meta_lr))


def until_due(training: TrainingConfig, iteration: int) -> int:
    """Return how many iterations there are to the next validation, periodic checkpoint or the end."""
    intervals = filter(None, (training.eval_every, training.checkpoint_every))
    return min([training.iterations - iteration, *(every - iteration % every for every in intervals)])


def update(state: TrainingState, gradient: Params, clip: float) -> float:
    """Take one step of Adam along the meta-gradient, or skip it if the gradient is not finite.

    Args:
        state: Updated in place.
        gradient: The meta-gradient, by parameter name.
        clip: Bound on each element's magnitude; 0 for none.

    Returns:
        The norm of the gradient before clipping.

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
    if skipped_in_a_row >= MOST_SKIPPED_IN_A_ROW:
        raise DivergedError(
            f"the last {MOST_SKIPPED_IN_A_ROW} meta-gradients, up to iteration {iteration}, were not finite: "
            "lower inner_lr or meta_lr, or set grad_clip"
        )


def note(state: TrainingState, measurement: Measurement) -> bool:
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
