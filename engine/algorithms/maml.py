"""MAML (Finn, Abbeel, Levine 2017, Algorithm 2) and its first-order form."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Self

from engine.algorithms.algorithm import QueryMetrics, TaskLossAlgorithm

if TYPE_CHECKING:
    from torch import Tensor

    from engine.algorithms.adapt import Params
    from engine.algorithms.learner import Learner


@dataclass(frozen=True)
class MAML(TaskLossAlgorithm):
    """Second-order MAML: the meta-gradient goes through the inner steps.

    Attributes:
        inner_lr: alpha.
        inner_steps: Gradient steps of adaptation.
    """

    inner_lr: float
    inner_steps: int

    order: ClassVar[int] = 2

    def scaled_down(self, learner: Learner) -> Self:
        """Return the same computation with another learner and two inner steps at most."""
        return replace(self, learner=learner, inner_steps=min(2, self.inner_steps))

    def task_loss(
        self, theta: Params, support_x: Tensor, support_y: Tensor, query_x: Tensor, query_y: Tensor
    ) -> tuple[Tensor, QueryMetrics]:
        """Adapt to one task and return the loss of its queries under the adapted parameters, and metrics."""
        support = (support_x, support_y)
        *_, params = self.learner.adapted_to(theta, support, self.inner_lr, self.inner_steps, self.order)
        return self.query_loss(params, query_x, query_y)


class FOMAML(MAML):
    """First-order MAML (section 5.2): each inner gradient counts as a constant, which drops the Hessian term."""

    order: ClassVar[int] = 1
