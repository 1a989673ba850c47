"""MAML (Finn, Abbeel, Levine 2017, Algorithm 2) and its first-order form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, NamedTuple

import torch

from engine.algorithms.adapt import recorded_grad

if TYPE_CHECKING:
    from torch import Tensor

    from engine.algorithms.adapt import Params
    from engine.algorithms.learner import Learner
    from engine.tasks.episode import Episodes


class QueryMetrics(NamedTuple):
    """What the adapted networks did on their query sets, each a mean over tasks and queries.

    Attributes:
        loss: Squared error or cross-entropy of an example, whatever the loss reduction.
        accuracy: Share of queries told right; not a number for regression.
    """

    loss: Tensor
    accuracy: Tensor


@dataclass(frozen=True)
class MAML:
    """Second-order MAML: the meta-gradient goes through the inner steps.

    Attributes:
        learner: The network and its losses.
        inner_lr: alpha.
        inner_steps: Gradient steps of adaptation.
    """

    learner: Learner
    inner_lr: float
    inner_steps: int

    order: ClassVar[int] = 2

    def meta_gradient(self, theta: Params, episodes: Episodes) -> tuple[Params, QueryMetrics]:
        """Return the gradient of the mean over tasks of L(f_theta'; D') with respect to theta, and metrics.

        One task after the other: slow, and what every fast path in `engine.acceleration` is held to.

        Args:
            theta: Every parameter of the network.
            episodes: The meta-batch.
        """
        tasks = [
            recorded_grad(self.task_loss, has_aux=True)(theta, *episode)
            for episode in zip(*episodes.tensors(), strict=True)
        ]
        gradients, metrics = zip(*tasks, strict=True)
        gradient = {name: torch.stack([one[name] for one in gradients]).mean(0) for name in theta}
        return gradient, QueryMetrics(*(torch.stack(values).mean() for values in zip(*metrics, strict=True)))

    def task_loss(
        self, theta: Params, support_x: Tensor, support_y: Tensor, query_x: Tensor, query_y: Tensor
    ) -> tuple[Tensor, QueryMetrics]:
        """Adapt to one task and return the loss of its queries under the adapted parameters, and metrics."""
        support = (support_x, support_y)
        *_, params = self.learner.adapted_to(theta, support, self.inner_lr, self.inner_steps, self.order)
        return self.query_loss(params, query_x, query_y)

    def query_loss(self, params: Params, x: Tensor, y: Tensor) -> tuple[Tensor, QueryMetrics]:
        """Return L(f_theta'; D') of one task under the parameters adapted to it, and metrics."""
        outputs = self.learner.predict(params, x)
        losses = self.learner.example_losses(outputs, y)
        accuracy = self.learner.correct(outputs, y).mean()
        return self.learner.reduce(losses), QueryMetrics(losses.detach().mean(), accuracy.detach())


class FOMAML(MAML):
    """First-order MAML (section 5.2): each inner gradient counts as a constant, which drops the Hessian term."""

    order: ClassVar[int] = 1
