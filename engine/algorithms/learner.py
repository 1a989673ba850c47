"""f_theta and its losses as pure functions of the parameters."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Self, cast

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.func import grad as batchable_grad

from engine.algorithms.adapt import Grad, Gradient, GradientStep, Params, StepRule, adapt, recorded_grad
from engine.models.build import adapted_names

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from engine.config.schema import RunConfig


@dataclass(frozen=True)
class Learner:
    """A network together with what it is judged by.

    Attributes:
        model: The network; only its structure is used, never its own parameters and buffers.
        adapted: Names of the parameters that the inner loop adapts; the others are meta-learned only.
        regression: Squared error on values, else cross-entropy on class columns.
        divisor: A task's loss is the sum over its examples divided by this (the authors divide by the shots K,
            for support and query alike); None for the mean over the examples.
        grad: How gradients are taken, in the inner loop and of a task's loss.
        buffers: What the network computes with beside parameters, and never changes.
    """

    model: nn.Module
    adapted: frozenset[str]
    regression: bool
    divisor: float | None = None
    grad: Grad = recorded_grad
    buffers: Params = field(default_factory=dict)

    @classmethod
    def from_config(cls, config: RunConfig, model: nn.Module) -> Learner:
        """Combine a network with the losses that a configuration asks for."""
        buffers = dict(model.named_buffers())
        paper = config.algorithm.loss_reduction == "paper" and not config.is_regression
        divisor = config.task.shots if paper else None
        return cls(model, adapted_names(model), config.is_regression, divisor, buffers=buffers)

    def for_shots(self, shots: float) -> Learner:
        """Return the learner of tasks with another number of shots K."""
        return self if self.divisor is None else replace(self, divisor=shots)

    def batchable(self) -> Self:
        """Return the learner whose adaptation `torch.func.vmap` can batch over tasks."""
        return replace(self, grad=batchable_grad)

    def to(self, kind: torch.device | torch.dtype) -> Self:
        """Return the learner for parameters on a device, or in a floating-point type."""
        return replace(
            self,
            buffers={
                name: value.to(kind) if isinstance(kind, torch.device) or value.is_floating_point() else value
                for name, value in self.buffers.items()
            },
        )

    def predict(self, params: Params, x: Tensor) -> Tensor:
        """Return the network's output for `x` `[examples, ...]` under `params`: `[examples, outputs]`."""
        return cast("Tensor", functional_call(self.model, {**self.buffers, **params}, (x,)))

    def example_losses(self, outputs: Tensor, y: Tensor) -> Tensor:
        """Return the loss of each example, `[examples]`: squared error or cross-entropy (nats)."""
        if self.regression:
            return (outputs - y).square().mean(dim=-1)
        return -outputs.log_softmax(dim=-1).gather(-1, y[:, None]).squeeze(-1)

    def correct(self, outputs: Tensor, y: Tensor) -> Tensor:
        """Return 1 for each example put in its class, else 0, float `[examples]`; NaN for regression."""
        if self.regression:
            return torch.full_like(outputs[..., 0], torch.nan)
        return (outputs.argmax(dim=-1) == y).to(outputs.dtype)

    def together(self, members: Sequence[Iterator[Tensor]]) -> Iterator[Tensor]:
        """Yield what an ensemble predicts, from what each member does: outputs of the same examples, in step."""
        if len(members) == 1:
            return members[0]
        return (self.mean_prediction(torch.stack(outputs)) for outputs in zip(*members, strict=True))

    def mean_prediction(self, outputs: Tensor) -> Tensor:
        """Return the outputs that stand for the mean of what several networks predict.

        For classes it is the mean of their probabilities, as Antoniou et al. (How to train your MAML, 2019) take it;
        its logarithms are outputs from which losses and accuracies follow as from any other.

        Args:
            outputs: `[networks, examples, outputs]`, reduced to `[examples, outputs]`.
        """
        if self.regression:
            return outputs.mean(dim=0)
        return outputs.log_softmax(dim=-1).logsumexp(dim=0) - math.log(len(outputs))

    def reduce(self, losses: Tensor) -> Tensor:
        """Return the task's loss from the losses of its examples."""
        return losses.mean() if self.divisor is None else losses.sum() / self.divisor

    def loss(self, params: Params, x: Tensor, y: Tensor) -> Tensor:
        """Return the scalar that is differentiated, L_T(f_theta)."""
        return self.reduce(self.example_losses(self.predict(params, x), y))

    def support_gradient(self, order: int) -> Gradient:
        """Return the gradient of the loss with respect to the parameters that are adapted.

        Order 2 keeps it differentiable with respect to the parameters; 1 treats it as a constant.
        """

        def gradient(params: Params, x: Tensor, y: Tensor) -> Params:
            fixed = {name: value for name, value in params.items() if name not in self.adapted}
            start = {name: value for name, value in params.items() if name in self.adapted}
            slopes = self.grad(lambda adapted: self.loss({**fixed, **adapted}, x, y))(start)
            return slopes if order == 2 else {name: slope.detach() for name, slope in slopes.items()}

        return gradient

    def step_rule(self, theta: Params, step_size: float) -> StepRule:  # noqa: ARG002 - for rates that are learned
        """Return what an inner step does, under the meta-learned parameters `theta`."""
        return GradientStep(step_size)

    def adapted_to(
        self, theta: Params, support: tuple[Tensor, Tensor], step_size: float, steps: int, order: int
    ) -> Iterator[Params]:
        """Yield all parameters after 0, 1, ..., `steps` inner steps on one task's support set; see `adapt`.

        One task; batch it over tasks with `batchable` and `torch.func.vmap`.
        """
        return adapt(self.support_gradient(order), theta, support, self.step_rule(theta, step_size), steps)
