"""What every algorithm is: a way from meta-learned parameters and a meta-batch to a meta-gradient.

`build_learner` and `build_algorithm` make what the catalogue names for a configuration.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, NamedTuple, Self, cast

import torch

from engine.algorithms.learner import Learner
from engine.catalogue.entries import load

if TYPE_CHECKING:
    from torch import Tensor, nn

    from engine.algorithms.adapt import Params
    from engine.config.schema import RunConfig
    from engine.tasks.episode import Episodes


class QueryMetrics(NamedTuple):
    """What the adapted networks reached on their query sets, each a mean over tasks and queries.

    Attributes:
        loss: Squared error or cross-entropy of an example, whatever the loss reduction.
        accuracy: Share of queries classified correctly; NaN for regression.
    """

    loss: Tensor
    accuracy: Tensor


@dataclass(frozen=True)
class Algorithm(ABC):
    """How theta learns from a meta-batch. Its fields beside the learner are the options that it reads, by name."""

    learner: Learner

    @classmethod
    def build_learner(cls, config: RunConfig, model: nn.Module) -> Learner:
        """Return the learner that adapts to new tasks and is evaluated."""
        return Learner.from_config(config, model)

    @classmethod
    def from_config(cls, config: RunConfig, learner: Learner) -> Self:
        """Return the algorithm that a configuration describes, for the learner of `build_learner`."""
        options = (field.name for field in fields(cls) if field.name != "learner")
        return cls(learner, **{name: getattr(config.algorithm, name) for name in options})

    def scaled_down(self, learner: Learner) -> Self:
        """Return the same computation with another learner and few inner steps, to compare ways of computing it."""
        return replace(self, learner=learner)

    @abstractmethod
    def task_gradient(
        self, theta: Params, support_x: Tensor, support_y: Tensor, query_x: Tensor, query_y: Tensor
    ) -> tuple[Params, QueryMetrics]:
        """Return the meta-gradient of one task, by parameter name, and its metrics."""

    def meta_gradient(self, theta: Params, episodes: Episodes) -> tuple[Params, QueryMetrics]:
        """Return the mean over tasks of their meta-gradients, and metrics.

        One task after the other: slow, and the reference that every fast way in `engine.acceleration` must agree with.
        """
        tasks = [self.task_gradient(theta, *episode) for episode in zip(*episodes.tensors(), strict=True)]
        gradients, metrics = zip(*tasks, strict=True)
        gradient = {name: torch.stack([one[name] for one in gradients]).mean(0) for name in theta}
        return gradient, QueryMetrics(*(torch.stack(values).mean() for values in zip(*metrics, strict=True)))

    def query_loss(self, params: Params, x: Tensor, y: Tensor) -> tuple[Tensor, QueryMetrics]:
        """Return L(f_theta'; D') of one task under the parameters adapted to it, and metrics."""
        outputs = self.learner.predict(params, x)
        losses = self.learner.example_losses(outputs, y)
        accuracy = self.learner.correct(outputs, y).mean()
        return self.learner.reduce(losses), QueryMetrics(losses.detach().mean(), accuracy.detach())


class TaskLossAlgorithm(Algorithm):
    """An algorithm that descends the mean over tasks of a loss, whose gradient is the meta-gradient."""

    @abstractmethod
    def task_loss(
        self, theta: Params, support_x: Tensor, support_y: Tensor, query_x: Tensor, query_y: Tensor
    ) -> tuple[Tensor, QueryMetrics]:
        """Return the loss of one task as a function of theta, and metrics."""

    def task_gradient(
        self, theta: Params, support_x: Tensor, support_y: Tensor, query_x: Tensor, query_y: Tensor
    ) -> tuple[Params, QueryMetrics]:
        """Return the gradient of `task_loss` with respect to theta, and metrics."""
        gradient, metrics = self.learner.grad(self.task_loss, has_aux=True)(
            theta, support_x, support_y, query_x, query_y
        )
        return gradient, metrics


def implementation(config: RunConfig) -> type[Algorithm]:
    """Return the class that the catalogue names for a configuration's algorithm."""
    return cast("type[Algorithm]", load(config.algorithm_entry.implementation))


def build_learner(config: RunConfig, model: nn.Module) -> Learner:
    """Return the learner whose adaptation to new tasks is evaluated."""
    return implementation(config).build_learner(config, model)


def build_algorithm(config: RunConfig, learner: Learner) -> Algorithm:
    """Return the algorithm that a configuration names, for the learner of `build_learner`."""
    return implementation(config).from_config(config, learner)
