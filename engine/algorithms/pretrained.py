"""Baselines without meta-learning, fine-tuned to each new task.

The paper's `pretrained` is one network for all training tasks at once, and so is its `oracle`, whose
inputs show the task's parameters (section 5.1). `scratch` learns nothing before it is fine-tuned.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import torch

from engine.algorithms.algorithm import QueryMetrics, TaskLossAlgorithm
from engine.algorithms.learner import Learner

if TYPE_CHECKING:
    from torch import Tensor

    from engine.algorithms.adapt import Params
    from engine.config.schema import RunConfig


class Pretrained(TaskLossAlgorithm):
    """Descends the loss of the examples of all tasks, support and queries together, without adaptation.

    Batch normalisation still works task by task, as it will when the network is fine-tuned to one.
    """

    @classmethod
    def from_config(cls, config: RunConfig, learner: Learner) -> Self:
        """Return the algorithm; for pictures its learner has the head that tells all training classes apart."""
        if config.is_regression:
            return cls(learner)
        # The mean over a task's examples, whatever the loss of fine-tuning: there are no shots K to divide by.
        return cls(ClassLearner(learner.model, learner.adapted, regression=False, buffers=learner.buffers))

    def task_loss(
        self, theta: Params, support_x: Tensor, support_y: Tensor, query_x: Tensor, query_y: Tensor
    ) -> tuple[Tensor, QueryMetrics]:
        """Return the loss of a task's examples, support and queries together, and metrics."""
        return self.query_loss(theta, torch.cat([support_x, query_x]), torch.cat([support_y, query_y]))


class Scratch(TaskLossAlgorithm):
    """Descends nothing: its meta-learning rate is 0, and its loss that of the initialisation."""

    def task_loss(
        self,
        theta: Params,
        support_x: Tensor,  # noqa: ARG002 - not adapted to
        support_y: Tensor,  # noqa: ARG002
        query_x: Tensor,
        query_y: Tensor,
    ) -> tuple[Tensor, QueryMetrics]:
        """Return the loss of a task's queries under the initialisation, and metrics."""
        return self.query_loss(theta, query_x, query_y)


class ClassLearner(Learner):
    """Uses the head that tells all training classes apart in place of the N-way one."""

    def predict(self, params: Params, x: Tensor) -> Tensor:
        """Return a score for each training class, `[examples, classes]`."""
        head = {f"head.{name}": params[f"classes.{name}"] for name in ("weight", "bias")}
        return super().predict({**params, **head}, x)
