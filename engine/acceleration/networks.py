"""The program's own networks as chains of layers whose derivatives are written out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, TypeAlias

from engine.acceleration.conv_layers import conv_block
from engine.acceleration.layers import (
    CrossEntropy,
    SquaredError,
    channels_last,
    flatten,
    linear,
    relu,
    space_mean,
)
from engine.acceleration.native.conv4 import NativeConv4, NativeConv4Trace, native_conv4
from engine.acceleration.native.mlp import NativeMLP, NativeMLPTrace, native_mlp
from engine.algorithms.learner import Learner
from engine.models.build import adapted_names
from engine.models.conv4 import Conv4Pool, Conv4Stride
from engine.models.mlp import MLP

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from torch import Tensor, nn

    from engine.acceleration.layers import Layer, Point
    from engine.acceleration.native.library import Library
    from engine.algorithms.adapt import Gradient, Params


@dataclass(frozen=True)
class Network:
    """A network as a chain of layers, and its loss.

    Attributes:
        layers: From examples to outputs.
        divisor: See `engine.algorithms.learner.Learner`.
        adapted: Names of the parameters that the inner loop changes.
    """

    layers: tuple[Layer, ...]
    loss: type[CrossEntropy | SquaredError]
    divisor: float | None
    adapted: Collection[str]
    library: ClassVar[None] = None

    def laid_out(self, theta: Params) -> Params:
        """Return parameters in the memory layout that the layers read; gradients are in it, too."""
        return {name: self.examples(value) for name, value in theta.items()}

    def named(self, values: Params) -> Params:
        """Return what is like parameters in the usual memory layout, `laid_out` undone."""
        return {name: value.contiguous() for name, value in values.items()}

    def examples(self, x: Tensor) -> Tensor:
        """Return examples in the memory layout that the layers read."""
        return channels_last(x) if x.dim() == 4 else x

    def outputs(self, params: Params, x: Tensor) -> Tensor:
        """Return the outputs for examples `x`; parameters and examples are laid out."""
        for layer in self.layers:
            x = layer(params, x).out
        return x

    def trace(self, params: Params, x: Tensor, y: Tensor) -> Trace:
        """Evaluate the loss of examples `x`, `y` and its gradient; parameters and examples are laid out."""
        points: list[Point] = []
        dot = x
        for layer in self.layers:
            points.append(layer(params, dot))
            dot = points[-1].out
        return Trace(x, points, self.loss(dot, y, self.divisor or dot.shape[-2]))


class Trace:
    """The loss at one value of the parameters: the network's outputs, its gradient, and products with its Hessian."""

    def __init__(self, x: Tensor, points: list[Point], loss: CrossEntropy | SquaredError) -> None:
        self.outputs = points[-1].out
        self.gradient: Params = {}
        self._x, self._points, self._loss = x, points, loss
        g = loss.gradient
        for point in reversed(points):
            g = point.backward(g, self.gradient)

    def hessian_product(self, direction: Params) -> Params:
        """Return the change of the gradient as the parameters move in `direction`. To be called once."""
        dot = self._x
        for point in self._points:
            dot = point.tangent(direction, dot)
        dot = self._loss.tangent(dot)
        product: Params = {}
        for point in reversed(self._points):
            dot = point.backward_tangent(dot, product)
        return product


AnyNetwork: TypeAlias = Network | NativeConv4 | NativeMLP
"""A network with its derivatives, evaluated by PyTorch or by the native code in `library`."""

AnyTrace: TypeAlias = Trace | NativeConv4Trace | NativeMLPTrace


def support_gradient(network: AnyNetwork, traces: list[AnyTrace] | None = None) -> Gradient:
    """Return the gradient of a network's loss with respect to the parameters that are adapted, for `adapt`.

    Args:
        network: Parameters and examples are laid out for it.
        traces: Takes the trace of every evaluation, for the Hessian's products; None where none are wanted.
    """

    def gradient(params: Params, x: Tensor, y: Tensor) -> Params:
        trace = network.trace(params, x, y)
        if traces is not None:
            traces.append(trace)
        return {name: value for name, value in trace.gradient.items() if name in network.adapted}

    return gradient


def network_of(learner: Learner, library: Library | None = None) -> AnyNetwork | None:
    """Return the network and the loss of a learner, or None if one of them is not our own.

    It is evaluated by the native code in `library`, or by PyTorch if that is None.
    """
    if type(learner) is not Learner or learner.adapted != adapted_names(learner.model):
        return None
    if library is not None:
        native = {"conv4": native_conv4, "mlp": native_mlp}[library.name]
        return native(library, learner.model, learner.divisor, regression=learner.regression)
    layers = _layers(learner.model)
    if layers is None:
        return None
    loss = SquaredError if learner.regression else CrossEntropy
    return Network(layers, loss, learner.divisor, learner.adapted)


def _layers(model: nn.Module) -> tuple[Layer, ...] | None:
    """Return a network's layers; None for networks that are not one of ours."""
    if type(model) is MLP:
        chain = [linear(f"layers.{n}", bottom=n == 0) for n in range(len(model.layers))]
        return chain[0], *(layer for after in chain[1:] for layer in (relu, after))
    if type(model) is Conv4Stride:
        return *_blocks(stride=2, pool=False), space_mean, linear("head")
    if type(model) is Conv4Pool:
        return *_blocks(stride=1, pool=True), flatten, linear("head")
    return None


def _blocks(*, stride: int, pool: bool) -> Iterator[Layer]:
    return (conv_block(f"blocks.{n}", stride, pool=pool, bottom=n == 0) for n in range(4))
