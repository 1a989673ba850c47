"""A task's loss at a point, with its gradient and the change of that. See `engine.acceleration.layers`."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Protocol, TypeAlias, cast

import torch
from torch.nn import functional

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from engine.algorithms.adapt import Params


class Point(Protocol):
    """A layer at one value of its parameters and of its input, with its output. Methods are called in this order."""

    out: Tensor

    def backward(self, g: Tensor, gradient: Params) -> Tensor:
        """Take the loss's gradient with respect to `out`; store that of the parameters, return that of the input."""

    def tangent(self, direction: Params, x_dot: Tensor) -> Tensor:
        """Return the change of `out` as the parameters move in `direction` and the input in `x_dot`."""

    def backward_tangent(self, g_dot: Tensor, product: Params) -> Tensor:
        """Take the change of `backward`'s argument; store the parameters' part of the product, return the input's.

        Where tasks share the parameters, the product is summed over the tasks.
        """


Layer: TypeAlias = "Callable[[Params, Tensor], Point]"
"""A layer as a function of parameters and input."""


def linear(name: str, *, bottom: bool = False) -> Layer:
    """Return `torch.nn.Linear`, for one task or for many at once.

    Inputs are `[examples, inputs]` or `[tasks, examples, inputs]`; weights `[outputs, inputs]`, shared by all tasks,
    or `[tasks, outputs, inputs]`.

    Args:
        name: The module's name in the network.
        bottom: Whether its input are the examples.
    """
    return partial(_LinearPoint, name, bottom)


class _LinearPoint:
    def __init__(self, name: str, bottom: bool, params: Params, x: Tensor) -> None:
        self.weight_name, self.bias_name = f"{name}.weight", f"{name}.bias"
        self.bottom = bottom
        self.weight, self.x = params[self.weight_name], x
        self.out = _affine(x, self.weight, params[self.bias_name])

    def backward(self, g: Tensor, gradient: Params) -> Tensor:
        self.g = g
        gradient[self.weight_name] = g.mT @ self.x
        gradient[self.bias_name] = g.sum(-2)
        return g if self.bottom else g @ self.weight

    def tangent(self, direction: Params, x_dot: Tensor) -> Tensor:
        self.weight_dot, self.x_dot = direction[self.weight_name], x_dot
        out_dot = _affine(self.x, self.weight_dot, direction[self.bias_name])
        return out_dot if self.bottom else out_dot.add_(x_dot @ self.weight.mT)

    def backward_tangent(self, g_dot: Tensor, product: Params) -> Tensor:
        shared = self.weight.dim() == 2
        g, g_dot_, x = (value.flatten(0, -2) if shared else value for value in (self.g, g_dot, self.x))
        weight = g_dot_.mT @ x
        product[self.bias_name] = g_dot_.sum(-2)
        if self.bottom:
            product[self.weight_name] = weight
            return g_dot
        x_dot = self.x_dot.flatten(0, -2) if shared else self.x_dot
        product[self.weight_name] = weight.add_(g.mT @ x_dot)
        return (g_dot @ self.weight).add_(self.g @ self.weight_dot)


def _affine(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    if weight.dim() == 2:
        return functional.linear(x, weight, bias)
    return torch.baddbmm(bias.unsqueeze(-2), x, weight.mT)


class _FixedPoint:
    """A layer without parameters, linear around the point: `forward` maps changes of the input, `back` gradients."""

    def __init__(
        self, out: Tensor, forward: Callable[[Tensor], Tensor], back: Callable[[Tensor], Tensor]
    ) -> None:
        self.out, self._forward, self._back = out, forward, back

    def backward(self, g: Tensor, gradient: Params) -> Tensor:  # noqa: ARG002
        return self._back(g)

    def tangent(self, direction: Params, x_dot: Tensor) -> Tensor:  # noqa: ARG002
        return self._forward(x_dot)

    def backward_tangent(self, g_dot: Tensor, product: Params) -> Tensor:  # noqa: ARG002
        return self._back(g_dot)


def relu(_: Params, x: Tensor) -> Point:
    """Evaluate max(x, 0)."""
    out = x.relu()
    pass_on = partial(where_positive, out)
    return _FixedPoint(out, pass_on, pass_on)


def space_mean(_: Params, x: Tensor) -> Point:
    """Evaluate the mean over height and width: `[examples, channels]`."""
    height, width = x.shape[2:]

    def spread(g: Tensor) -> Tensor:
        return torch.empty_like(x).copy_(g[:, :, None, None] / (height * width))

    return _FixedPoint(x.mean(dim=(2, 3)), lambda x_dot: x_dot.mean(dim=(2, 3)), spread)


def flatten(_: Params, x: Tensor) -> Point:
    """Evaluate channels, height and width in a row: `[examples, channels*height*width]`."""
    shape = x.shape
    return _FixedPoint(x.flatten(1), lambda x_dot: x_dot.flatten(1), lambda g: channels_last(g.view(shape)))


def channels_last(x: Tensor) -> Tensor:
    """Return `x` `[examples, channels, height, width]` with the channels innermost in memory.

    PyTorch's `contiguous` takes a single channel for innermost as it is, and lays out like it all that comes after.
    """
    return torch.empty_like(x, memory_format=torch.channels_last).copy_(x)


def where_positive(condition: Tensor, values: Tensor) -> Tensor:
    """Return `values` where `condition` is above 0, else 0, in one pass over memory."""
    return cast("Tensor", torch.ops.aten.threshold_backward.default(values, condition, 0))


class SquaredError:
    """The sum of squared errors, divided by `divisor`, and its gradient with respect to the outputs.

    Outputs and targets are `[..., examples, values]`.
    """

    def __init__(self, outputs: Tensor, targets: Tensor, divisor: float) -> None:
        self._factor = 2 / (outputs.shape[-1] * divisor)
        self.gradient = (outputs - targets) * self._factor

    def tangent(self, outputs_dot: Tensor) -> Tensor:
        """Return the change of the gradient as the outputs move in `outputs_dot`."""
        return outputs_dot * self._factor


class CrossEntropy:
    """The sum of the cross-entropies of softmax outputs, divided by `divisor`, and its gradient with respect to them.

    Outputs are `[examples, classes]`, before the softmax; targets are class columns, int64 `[examples]`.
    """

    def __init__(self, outputs: Tensor, targets: Tensor, divisor: float) -> None:
        self._divisor = divisor
        self._probabilities = outputs.softmax(dim=-1)
        certain = torch.zeros_like(outputs).scatter_(-1, targets[:, None], 1)
        self.gradient = (self._probabilities - certain) / divisor

    def tangent(self, outputs_dot: Tensor) -> Tensor:
        """Return the change of the gradient as the outputs move in `outputs_dot`."""
        p_dot = self._probabilities * outputs_dot
        return (p_dot - self._probabilities * p_dot.sum(dim=-1, keepdim=True)) / self._divisor
