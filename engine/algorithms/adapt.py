"""The inner loop. There is no other: training, evaluation and every algorithm call this one."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol, cast

import torch
from torch import Tensor

if TYPE_CHECKING:
    from collections.abc import Iterator


Grad = Callable[[Callable[..., Any]], Callable[..., Any]]
"""From a function of parameters whose value is a scalar to that whose value is its gradient."""


def recorded_grad(function: Callable[..., Any], *, has_aux: bool = False) -> Callable[..., Any]:
    """Return what `torch.func.grad` does, for a dictionary of parameters.

    The gradient can be differentiated where the parameters can, which is where they are the work of a function whose
    own gradient is being taken.
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


Params = dict[str, Tensor]


class Loss(Protocol):
    """L_T(f_theta): a scalar from parameters, inputs and targets."""

    def __call__(self, params: Params, x: Tensor, y: Tensor, /) -> Tensor:
        """Return the loss of examples `x`, `y`."""


def adapt(
    loss: Loss,
    params: Params,
    support: tuple[Tensor, Tensor],
    step_size: float,
    steps: int,
    order: int,
    grad: Grad = recorded_grad,
) -> Iterator[Params]:
    """Yield theta and then theta' after each gradient step on the support set.

    theta' <- theta' - alpha * grad L(f_theta'; D)      (paper, Algorithm 2, lines 5 to 7)

    One task; batch it over tasks with `torch.func.vmap` and its `grad`.

    Args:
        loss: The task's loss.
        params: The parameters to adapt, theta.
        support: Inputs and targets of the support set D.
        step_size: alpha.
        steps: How many gradient steps.
        order: 2 keeps the steps differentiable with respect to theta; 1 treats each gradient as a constant,
            which drops the Hessian from the meta-gradient.
        grad: Takes the gradient.

    Yields:
        The adapted parameters after 0, 1, ..., `steps` steps.
    """
    yield params
    for _ in range(steps):
        gradient = grad(loss)(params, *support)
        if order == 1:
            gradient = {name: slope.detach() for name, slope in gradient.items()}
        params = {name: value - step_size * gradient[name] for name, value in params.items()}
        yield params
