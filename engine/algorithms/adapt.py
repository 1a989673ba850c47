"""The inner loop. There is no other: training, evaluation and every algorithm call this one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from torch import Tensor

from engine.algorithms.gradient import Grad, recorded_grad

if TYPE_CHECKING:
    from collections.abc import Iterator

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
