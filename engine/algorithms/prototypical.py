"""Prototypical networks (Snell, Swersky, Zemel: Prototypical Networks for Few-shot Learning, NeurIPS 2017)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from engine.algorithms.algorithm import QueryMetrics, TaskLossAlgorithm
from engine.algorithms.learner import Learner

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor, nn

    from engine.algorithms.adapt import Params
    from engine.config.schema import RunConfig


class Prototypical(TaskLossAlgorithm):
    """Learns an embedding in which the queries of a class lie near the mean of its support examples."""

    @classmethod
    def build_learner(cls, config: RunConfig, model: nn.Module) -> Learner:
        """Return the learner whose head is put where the prototypes are."""
        return PrototypeLearner.from_config(config, model)

    def task_loss(
        self, theta: Params, support_x: Tensor, support_y: Tensor, query_x: Tensor, query_y: Tensor
    ) -> tuple[Tensor, QueryMetrics]:
        """Return the loss of a task's queries under the prototypes of its support set, and metrics."""
        *_, params = self.learner.adapted_to(theta, (support_x, support_y), step_size=0.0, steps=1, order=2)
        return self.query_loss(params, query_x, query_y)


class PrototypeLearner(Learner):
    """Adapts in a single step, without a gradient: the head is put where the prototypes are.

    With c the mean embedding of a class's support examples, -|z - c|^2 = 2 c z - |c|^2 - |z|^2. The last term is the
    same for all classes, so a linear layer with weights 2 c and biases -|c|^2 gives the paper's probabilities
    (its section 2.4).
    """

    def adapted_to(
        self,
        theta: Params,
        support: tuple[Tensor, Tensor],
        step_size: float,  # noqa: ARG002 - there are no gradient steps
        steps: int,
        order: int,  # noqa: ARG002
    ) -> Iterator[Params]:
        """Yield theta, then `steps` times theta with the prototypes as its head."""
        yield theta
        if steps:
            adapted = {**theta, **self._head(theta, *support)}
            yield from [adapted] * steps

    def _head(self, theta: Params, x: Tensor, y: Tensor) -> Params:
        embedded = self._embed(theta, x)
        classes = torch.arange(len(theta["head.bias"]), device=y.device)
        members = (y == classes[:, None]).to(embedded.dtype)
        # At least 1: the prototype of a class without examples is 0.
        counts = members.sum(dim=1, keepdim=True).clamp(min=1)
        prototypes = members @ embedded / counts
        return {"head.weight": 2 * prototypes, "head.bias": -prototypes.square().sum(dim=1)}

    def _embed(self, theta: Params, x: Tensor) -> Tensor:
        """Return what the head is given, `[examples, features]`: the network's output under a head that copies."""
        weight = theta["head.weight"]
        copying = torch.eye(weight.shape[1], dtype=weight.dtype, device=weight.device)
        return self.predict({**theta, "head.weight": copying, "head.bias": torch.zeros_like(copying[0])}, x)
