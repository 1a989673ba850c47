"""The meta-gradient of any network, all tasks of a portion in one operation."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, cast

import torch
from torch.func import grad, vjp, vmap

from engine.algorithms.adapt import Params, adapt
from engine.algorithms.algorithm import Algorithm, QueryMetrics, TaskLossAlgorithm
from engine.algorithms.learner import Learner
from engine.algorithms.maml import MAML

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from engine.tasks.episode import Episodes

# Numbers in the inputs of the tasks that the CPU works on together: more would not be faster, only larger.
_CHUNK_NUMBERS = 2**19

_OVER_TASKS = (None, 0, 0, 0, 0)


@dataclass(frozen=True)
class Batched:
    """An algorithm, batched over tasks by `torch.func.vmap`.

    Attributes:
        chunk: Tasks in one operation; 0 for as many as is fast.
        recompute: Whether the intermediate values of MAML's inner steps are computed again rather than kept.
    """

    algorithm: Algorithm
    chunk: int
    recompute: bool

    @cached_property
    def _batchable(self) -> Algorithm:
        return replace(self.algorithm, learner=self.algorithm.learner.batchable())

    @property
    def _total(self) -> Callable[[Params, tuple[Tensor, ...]], tuple[Params, QueryMetrics]]:
        """From theta and a portion of the tasks to the sum of their gradients and the metrics of each."""
        kind, learner = type(self.algorithm), type(self.algorithm.learner)
        if kind.task_gradient is not TaskLossAlgorithm.task_gradient:
            return self._summed
        takes_steps = learner.adapted_to is Learner.adapted_to
        if self.recompute and takes_steps and issubclass(kind, MAML) and kind.task_loss is MAML.task_loss:
            return self._recomputed
        return self._kept

    def meta_gradient(self, theta: Params, episodes: Episodes) -> tuple[Params, QueryMetrics]:
        """Return what the algorithm's own `meta_gradient` does, but for rounding."""
        tasks = len(episodes.support_x)
        gradient = {name: torch.zeros_like(value) for name, value in theta.items()}
        metrics = []
        for portion in episodes.split(self._tasks_together(episodes)):
            total, measured = self._total(theta, portion.tensors())
            for name, value in gradient.items():
                value.add_(total[name], alpha=1 / tasks)
            metrics.append(measured)
        return gradient, QueryMetrics(*(torch.cat(values).mean() for values in zip(*metrics, strict=True)))

    def _tasks_together(self, episodes: Episodes) -> int:
        if self.chunk or episodes.support_x.is_cuda:
            return self.chunk or len(episodes.support_x)
        numbers = sum(math.prod(x.shape[1:]) for x in (episodes.support_x, episodes.query_x))
        return max(1, _CHUNK_NUMBERS // numbers)

    def _summed(self, theta: Params, portion: tuple[Tensor, ...]) -> tuple[Params, QueryMetrics]:
        """Add up the gradients of an algorithm that has a meta-gradient of its own."""
        gradients, metrics = vmap(self._batchable.task_gradient, in_dims=_OVER_TASKS)(theta, *portion)
        return {name: value.sum(0) for name, value in gradients.items()}, metrics

    def _kept(self, theta: Params, portion: tuple[Tensor, ...]) -> tuple[Params, QueryMetrics]:
        """Differentiate the sum of the tasks' losses by one graph of everything."""
        algorithm = cast("TaskLossAlgorithm", self._batchable)

        def total_loss(theta: Params) -> tuple[Tensor, QueryMetrics]:
            losses, metrics = vmap(algorithm.task_loss, in_dims=_OVER_TASKS)(theta, *portion)
            return losses.sum(), metrics

        gradient, metrics = grad(total_loss, has_aux=True)(theta)
        return gradient, metrics

    def _recomputed(self, theta: Params, portion: tuple[Tensor, ...]) -> tuple[Params, QueryMetrics]:
        """Apply the chain rule through one inner step after the other, from the last to the first."""
        algorithm, support, query = cast("MAML", self._batchable), portion[:2], portion[2:]

        def taken(number: int, params: Params) -> Params:
            return vmap(partial(_step, algorithm, number))(params, *support)

        starts = [{name: value.expand(len(support[0]), *value.shape) for name, value in theta.items()}]
        for number in range(algorithm.inner_steps):
            starts.append(taken(number, starts[-1]))
        gradient, metrics = vmap(grad(algorithm.query_loss, has_aux=True))(starts.pop(), *query)
        while starts:
            start = starts.pop()
            (gradient,) = vjp(partial(taken, len(starts)), start)[1](gradient)
        return {name: value.sum(0) for name, value in gradient.items()}, metrics


def _step(algorithm: MAML, number: int, params: Params, x: Tensor, y: Tensor) -> Params:
    """Return all parameters of one task after the inner step of that number."""
    rule = algorithm.learner.step_rule(params, algorithm.inner_lr)

    def numbered(before: Params, gradient: Params, _: int) -> Params:
        return rule(before, gradient, number)

    _, after = adapt(algorithm.learner.support_gradient(algorithm.order), params, (x, y), numbered, 1)
    return after
