"""Baselines without meta-learning: one network for all training tasks at once, fine-tuned to each new task.

The paper's `pretrained` and, where the inputs tell the network which task it is on, its `oracle` (section 5.1). A
meta-update sees as many examples as one of MAML: support and query sets of the same tasks. (The authors' code shows
it half of them.)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from engine.algorithms.learner import Learner
from engine.algorithms.maml import MAML

if TYPE_CHECKING:
    from torch import Tensor

    from engine.algorithms.adapt import Params
    from engine.algorithms.maml import QueryMetrics


class Pretrained(MAML):
    """Descends the loss of the examples of all tasks, without adaptation.

    Batch normalisation still works task by task, as it will when the network is fine-tuned to one.
    """

    def task_loss(
        self, theta: Params, support_x: Tensor, support_y: Tensor, query_x: Tensor, query_y: Tensor
    ) -> tuple[Tensor, QueryMetrics]:
        """Return the loss of a task's examples, support and queries together, and metrics."""
        return self.query_loss(theta, torch.cat([support_x, query_x]), torch.cat([support_y, query_y]))


class ClassLearner(Learner):
    """Sees the network with the head that tells all training classes apart in the place of the N-way one."""

    def predict(self, params: Params, x: Tensor) -> Tensor:
        """Return a score for each training class, `[examples, classes]`."""
        head = {f"head.{name}": params[f"classes.{name}"] for name in ("weight", "bias")}
        return super().predict({**params, **head}, x)
