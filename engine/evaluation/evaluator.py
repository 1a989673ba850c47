"""How well a learner does on tasks it has not seen, before adaptation and after every inner step.

Also the step size that does best where a network is fine-tuned rather than meta-trained.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from torch.func import vmap

from engine.acceleration.by_hand import SideBySide, side_by_side
from engine.acceleration.device import is_out_of_memory
from engine.runs.events import AtStep, Measurement, Protocol
from engine.statistics.summary import summarise
from engine.tasks.episode import Episodes, EpisodeShape, TaskSource
from engine.tasks.sampling import Split, Stream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from engine.acceleration.native.library import Library
    from engine.algorithms.adapt import Params
    from engine.algorithms.learner import Learner
    from engine.config.schema import RunConfig

DIVERGED_FACTOR = 10.0
"""A task counts as diverged once its loss exceeds this many times the mean loss of all tasks before adaptation."""

STEP_SIZES = (0.0, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
"""Those tried for fine-tuning. None at all is one of them: fine-tuning can only harm a network that knows the task."""

STEP_SIZE_TASKS = 100
"""Validation tasks that each is tried on, at most: the same for all, so that few tell them apart."""

# Numbers in the inputs of the tasks that are adapted together; bounds the memory that evaluation takes.
_CHUNK_NUMBERS = 2**19

# On a GPU, which many tasks are needed to fill: the memory set aside for a number, in bytes, and the most tasks.
_BYTES_PER_NUMBER = 1024
_MAX_TOGETHER = 512


@dataclass(frozen=True)
class TaskCurves:
    """What became of every task of an evaluation, none left out.

    Attributes:
        losses: Query losses, `[tasks, steps + 1]`.
        accuracies: Query accuracies, 0 to 1, `[tasks, steps + 1]`; None for regression.
    """

    protocol: Protocol
    losses: NDArray[np.float32]
    accuracies: NDArray[np.float32] | None

    def summarise(self) -> Measurement:
        """Return the statistics over tasks at every step."""
        diverged = diverged_tasks(self.losses)
        return Measurement(
            metric="mse" if self.accuracies is None else "accuracy",
            protocol=self.protocol,
            loss=_steps(self.losses, diverged),
            accuracy=None if self.accuracies is None else _steps(self.accuracies, diverged),
        )

    def scores(self, step: int) -> NDArray[np.float32]:
        """Return every task's value of the metric after `step` inner steps, `[tasks]`."""
        return (self.losses if self.accuracies is None else self.accuracies)[:, step]


def protocol_for(config: RunConfig, split: Split, *, tasks: int, steps: int) -> Protocol:
    """Return the protocol by which a configuration's runs are measured on a split."""
    return Protocol(
        split=split.label,
        tasks=tasks,
        ways=None if config.is_regression else config.task.ways,
        shots=config.task.shots,
        queries=config.evaluation.eval_queries,
        steps=steps,
        seed=config.evaluation.eval_seed,
        mode=None if config.is_regression else config.evaluation.eval_mode,
    )


def evaluate(
    learner: Learner,
    theta: Params,
    source: TaskSource,
    protocol: Protocol,
    inner_lr: float,
    between: Callable[[int], None] | None = None,
    others: Sequence[Params] = (),
    library: Library | None = None,
) -> TaskCurves:
    """Adapt to tasks 0, 1, ... of a split and score the queries after every step.

    No task is dropped, whatever becomes of it. No graph is built.

    Args:
        protocol: Which tasks, how large, how many steps.
        inner_lr: alpha.
        between: Called every few tasks with the number done; may raise to call the evaluation off.
        others: The parameters of further networks. Each adapts by itself, and the mean of what they and the first
            predict is judged: an ensemble.
        library: Native code for networks that it is made for.
    """
    learner, thetas, chunks = learner.for_shots(protocol.shots), (theta, *others), []
    inductive = protocol.mode == "inductive"
    fast = None if inductive else side_by_side(learner, source.device, library)
    for chunk in _task_curves(learner, fast, thetas, source, protocol, inner_lr):
        chunks.append(chunk)
        if between is not None:
            between(sum(len(losses) for losses, _ in chunks))
    losses, accuracies = (np.concatenate([chunk[part] for chunk in chunks]) for part in (0, 1))
    return TaskCurves(protocol, losses, None if learner.regression else accuracies)


def best_step_size(
    learner: Learner,
    theta: Params,
    source: TaskSource,
    protocol: Protocol,
    others: Sequence[Params] = (),
    library: Library | None = None,
    between: Callable[[int], None] | None = None,
) -> float:
    """Return the step size of fine-tuning with the best mean metric after the last step; 0 if all diverge.

    For networks that were not trained for one.

    Args:
        protocol: That of validation tasks.
        others: The parameters of the other members of an ensemble.
        between: Called every few tasks with 0, as none of those asked for is done yet; may raise to call it off.
    """
    protocol = protocol.model_copy(update={"tasks": min(protocol.tasks, STEP_SIZE_TASKS)})
    chosen, best = STEP_SIZES[0], None
    none_done = None if between is None else lambda _: between(0)
    for step_size in STEP_SIZES:
        curves = evaluate(learner, theta, source, protocol, step_size, none_done, others, library)
        measurement = curves.summarise()
        value, _ = score(measurement, protocol.steps)
        if is_better(value, best, measurement.metric):
            chosen, best = step_size, value
    return chosen


def score(measurement: Measurement, step: int) -> tuple[float, float]:
    """Return mean and 95 % half width of the metric after `step` inner steps."""
    at = measurement.series[step]
    return at.mean, at.ci95


def is_better(value: float, best: float | None, metric: str) -> bool:
    """Tell whether `value` beats `best` (None: nothing yet) on `metric`; a non-finite value beats nothing."""
    if not math.isfinite(value):
        return False
    return best is None or (value < best if metric == "mse" else value > best)


def diverged_tasks(losses: NDArray[np.floating]) -> NDArray[np.intp]:
    """Count the diverged tasks at each step from losses `[tasks, steps + 1]`; see `DIVERGED_FACTOR`."""
    before = losses[:, 0]
    limit = DIVERGED_FACTOR * before[np.isfinite(before)].mean() if np.isfinite(before).any() else 0.0
    counts: NDArray[np.intp] = (~(losses <= limit)).sum(axis=0)
    return counts


def _steps(values: NDArray[np.floating], diverged: NDArray[np.intp]) -> tuple[AtStep, ...]:
    return tuple(
        AtStep(step=step, **summarise(column)._asdict(), diverged=int(diverged[step]))
        for step, column in enumerate(values.T)
    )


def _task_curves(
    learner: Learner,
    fast: SideBySide | None,
    thetas: Sequence[Params],
    source: TaskSource,
    protocol: Protocol,
    inner_lr: float,
) -> Iterator[tuple[NDArray[np.float32], NDArray[np.float32]]]:
    """Yield losses and accuracies, `[tasks, steps + 1]` each, a few tasks at a time."""
    shape = EpisodeShape(protocol.ways or 1, protocol.shots, protocol.queries)
    stream = Stream(protocol.seed, Split[protocol.split.upper()])
    inductive = protocol.mode == "inductive"
    together, first = _tasks_together(source, shape, inductive=inductive), 0
    while first < protocol.tasks:
        indices = torch.arange(first, min(first + together, protocol.tasks))
        try:
            episodes = source.sample(stream, indices, shape)
            losses, accuracies = _curves(learner, thetas, episodes, protocol, inner_lr, fast)
        except RuntimeError as error:
            if together == 1 or not is_out_of_memory(error):
                raise
            # A larger network than most, or a GPU that is shared.
            together //= 2
            continue
        yield losses.cpu().numpy(), accuracies.cpu().numpy()
        first += len(indices)


def _tasks_together(source: TaskSource, shape: EpisodeShape, *, inductive: bool) -> int:
    """Return how many tasks to adapt at a time."""
    support, queries = shape.ways * shape.shots, shape.ways * shape.queries
    example = math.prod(source.input_shape)
    numbers = (support + queries) * example
    if source.device.type == "cpu":
        return max(1, _CHUNK_NUMBERS // numbers)
    if inductive:
        # Each query brings the support set along, as many of a task at a time as `predict_alone` takes.
        numbers += min(_CHUNK_NUMBERS, queries * (support + 1) * example)
    memory = torch.cuda.get_device_properties(source.device).total_memory
    return max(1, min(_MAX_TOGETHER, memory // (_BYTES_PER_NUMBER * numbers)))


def _curves(
    learner: Learner,
    thetas: Sequence[Params],
    episodes: Episodes,
    protocol: Protocol,
    inner_lr: float,
    fast: SideBySide | None,
) -> tuple[Tensor, Tensor]:
    def judge(outputs: Iterator[Tensor], query_y: Tensor) -> tuple[Tensor, Tensor]:
        losses, accuracies = [], []
        for output in outputs:
            losses.append(learner.example_losses(output, query_y).mean())
            accuracies.append(learner.correct(output, query_y).mean())
        return torch.stack(losses), torch.stack(accuracies)

    def curve(
        support_x: Tensor, support_y: Tensor, query_x: Tensor, query_y: Tensor
    ) -> tuple[Tensor, Tensor]:
        def outputs(theta: Params) -> Iterator[Tensor]:
            # Without an outer gradient both orders take the same steps; 1 says that none is wanted.
            steps = learner.adapted_to(theta, (support_x, support_y), inner_lr, protocol.steps, order=1)
            if protocol.mode == "inductive":
                return (predict_alone(learner, params, support_x, query_x) for params in steps)
            return (learner.predict(params, query_x) for params in steps)

        return judge(learner.together([outputs(theta) for theta in thetas]), query_y)

    if fast is None:
        learner = learner.batchable()
        losses, accuracies = vmap(curve)(*episodes.tensors())
        return losses, accuracies
    tasks = fast.judge(judge, thetas, episodes, inner_lr, protocol.steps)
    losses, accuracies = (torch.stack(values) for values in zip(*tasks, strict=True))
    return losses, accuracies


def predict_alone(learner: Learner, params: Params, support_x: Tensor, query_x: Tensor) -> Tensor:
    """Predict each query beside the support examples only, so that no query's statistics help another.

    The inductive protocol of Nichol, Achiam, Schulman (2018, section 6.1).

    Args:
        support_x: `[support, *input_shape]`.
        query_x: `[queries, *input_shape]`; the outputs are `[queries, outputs]`.
    """

    def alone(query: Tensor) -> Tensor:
        return learner.predict(params, torch.cat([support_x, query[None]]))[-1]

    together = max(1, _CHUNK_NUMBERS // (support_x.numel() + query_x[0].numel()))
    outputs: Tensor = vmap(alone, chunk_size=together)(query_x)
    return outputs
