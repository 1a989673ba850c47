"""The inner loop (paper, Algorithm 2, lines 5 to 7). Every way of computing, evaluation and service runs it.

A way of computing brings its own gradient (recorded, batched by vmap, written out, native); an algorithm brings a step
rule. What a gradient leaves out is not adapted: frozen parameters, or the body in ANIL.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol, cast

import torch
from torch import Tensor

Params = dict[str, Tensor]

Gradient = Callable[[Params, Tensor, Tensor], Params]
"""From parameters, inputs and targets to the gradient of the loss, by name, of the parameters to adapt."""

Grad = Callable[..., Callable[..., Any]]
"""`torch.func.grad` or `recorded_grad`: from a function of parameters whose value is a scalar to its gradient."""


class StepRule(Protocol):
    """How one inner step changes the parameters."""

    def __call__(self, params: Params, gradient: Params, step: int, /) -> Params:
        """Return all parameters after step number `step`, from 0, given the gradient of those that are adapted."""


@dataclass(frozen=True)
class GradientStep:
    """theta' = theta - alpha grad L(theta), with alpha the step size."""

    step_size: float

    def __call__(self, params: Params, gradient: Params, step: int) -> Params:  # noqa: ARG002 - the same for all
        """Return the parameters after a step."""
        return {
            name: self._moved(value, gradient[name]) if name in gradient else value
            for name, value in params.items()
        }

    def _moved(self, value: Tensor, slope: Tensor) -> Tensor:
        return value - self.step_size * slope


class FusedGradientStep(GradientStep):
    """The same step in one pass over memory, which rounds once instead of twice."""

    def _moved(self, value: Tensor, slope: Tensor) -> Tensor:
        return torch.sub(value, slope, alpha=self.step_size)


def adapt(
    gradient: Gradient, params: Params, support: tuple[Tensor, Tensor], step_rule: StepRule, steps: int
) -> Iterator[Params]:
    """Yield theta and then theta' after each gradient step on the support set.

    Args:
        gradient: The gradient of the task's loss. Where it detaches what it returns, the Hessian is dropped from the
            meta-gradient (first order).
        params: All parameters, theta.
        support: Inputs and targets of the support set D.

    Yields:
        All parameters after 0, 1, ..., `steps` steps.
    """
    yield params
    for step in range(steps):
        params = step_rule(params, gradient(params, *support), step)
        yield params


def recorded_grad(function: Callable[..., Any], *, has_aux: bool = False) -> Callable[..., Any]:
    """Return what `torch.func.grad` does, for a dictionary of parameters, recorded as the function runs.

    The gradient can be differentiated where the parameters can, which is where they are computed by a function whose
    own gradient is being taken. `torch.func.grad` does the same for functions that `torch.func.vmap` batches over
    tasks, which this one does not; its first use loads PyTorch's compiler, seconds that a run should not start with.
    """

    def gradient(params: Params, *rest: object) -> Params | tuple[Params, object]:
        outer = any(value.requires_grad for value in params.values())
        with torch.enable_grad():
            inputs = params if outer else {n: v.detach().requires_grad_() for n, v in params.items()}
            result = function(inputs, *rest)
            value = cast("Tensor", result[0] if has_aux else result)
            tensors = tuple(inputs.values())
            if tensors and value.requires_grad:
                slopes = torch.autograd.grad(value, tensors, create_graph=outer, materialize_grads=True)
            else:  # nothing depends on the parameters
                slopes = tuple(map(torch.zeros_like, tensors))
        named = dict(zip(params, slopes, strict=True))
        return (named, result[1]) if has_aux else named

    return gradient
