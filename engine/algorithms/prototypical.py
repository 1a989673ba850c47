"""Prototypical networks (Snell, Swersky, Zemel: Prototypical Networks for Few-shot Learning, NeurIPS 2017)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from engine.algorithms.learner import Learner
from engine.algorithms.maml import MAML

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

    from engine.algorithms.adapt import Params


class Prototypical(MAML):
    """Learns an embedding in which the queries of a class lie near the mean of its support examples.

    The same outer loop as MAML's; only adaptation is another, that of `PrototypeLearner`.
    """


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
        step_size: float,  # noqa: ARG002 - of gradient steps
        steps: int,
        order: int,  # noqa: ARG002 - of gradient steps
    ) -> Iterator[Params]:
        """Yield theta, then `steps` times theta with the prototypes as its head; step size and order are no matter."""
        yield theta
        if steps:
            adapted = {**theta, **self._head(theta, *support)}
            yield from [adapted] * steps

    def _head(self, theta: Params, x: Tensor, y: Tensor) -> Params:
        embedded = self._embed(theta, x)
        classes = torch.arange(len(theta["head.bias"]), device=y.device)
        members = (y == classes[:, None]).to(embedded.dtype)
        counts = members.sum(dim=1, keepdim=True).clamp(
            min=1
        )  # the prototype of a class without examples is 0
        prototypes = members @ embedded / counts
        return {"head.weight": 2 * prototypes, "head.bias": -prototypes.square().sum(dim=1)}

    def _embed(self, theta: Params, x: Tensor) -> Tensor:
        """Return what the head is given, `[examples, features]`: the network's output under a head that copies."""
        weight = theta["head.weight"]
        copying = torch.eye(weight.shape[1], dtype=weight.dtype, device=weight.device)
        return self.predict({**theta, "head.weight": copying, "head.bias": torch.zeros_like(copying[0])}, x)
