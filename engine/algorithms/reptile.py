"""Reptile (Nichol, Achiam, Schulman: On First-Order Meta-Learning Algorithms, 2018, arXiv 1803.02999)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch

from engine.algorithms.adapt import Params, adapt
from engine.algorithms.algorithm import Algorithm, QueryMetrics

if TYPE_CHECKING:
    from torch import Tensor, nn

    from engine.algorithms.learner import Learner
    from engine.config.schema import RunConfig


@dataclass(frozen=True)
class Reptile(Algorithm):
    """Moves theta towards the parameters adapted to each task.

    (theta - phi) / alpha, with phi the parameters after k steps on mini-batches of the task, takes the place of the
    gradient in the outer optimiser (section 2). No second derivatives, and no split into support and query set.

    Attributes:
        inner_lr: alpha.
        inner_steps: k.
    """

    inner_lr: float
    inner_steps: int

    @classmethod
    def build_learner(cls, config: RunConfig, model: nn.Module) -> Learner:
        """Return the learner that adapts every parameter: one that does not move would never be learned."""
        names = frozenset(name for name, _ in model.named_parameters())
        return replace(super().build_learner(config, model), adapted=names)

    def task_gradient(
        self, theta: Params, support_x: Tensor, support_y: Tensor, query_x: Tensor, query_y: Tensor
    ) -> tuple[Params, QueryMetrics]:
        """Return (theta - phi) / alpha, and the metrics of phi on the queries, which it has been trained on."""
        x, y = torch.cat([support_x, query_x]), torch.cat([support_y, query_y])
        gradient, rule = self.learner.support_gradient(order=1), self.learner.step_rule(theta, self.inner_lr)
        # Every batches-th example: of each class about as many, as the examples come class by class.
        batches = min(self.inner_steps, len(x))
        phi = theta
        for step in range(self.inner_steps):
            batch = slice(step % batches, None, batches)
            *_, phi = adapt(gradient, phi, (x[batch], y[batch]), rule, 1)
        moved = {name: (value - phi[name]) / self.inner_lr for name, value in theta.items()}
        return moved, self.query_loss(phi, query_x, query_y)[1]
