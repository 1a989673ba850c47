"""The network of `engine.models.mlp` in native code, for many tasks: the loss's gradient and its Hessian's products.

Parameters, gradients and directions are one tensor each here, in the native code's own order: `[numbers]` or, for
every task, `[tasks, numbers]`.
"""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

import torch

from engine.acceleration.native.library import Library, call_fields
from engine.models.mlp import MLP

if TYPE_CHECKING:
    from collections.abc import Collection

    from torch import Tensor, nn

    from engine.algorithms.adapt import Params

_ALL = "all"
_NUMBERS = ("tasks", "examples", "layers", "shared")
_POINTERS = ("sizes", "x", "y", "parameters", "memory", "outputs", "result", "direction")


class _Call(ctypes.Structure):
    """`Call` of mlp.cpp."""

    _fields_ = call_fields(_NUMBERS, "factor", _POINTERS)


@dataclass(frozen=True)
class NativeMLP:
    """What `engine.acceleration.networks.Network` is, in native code, for regression with an `MLP`.

    Attributes:
        shapes: Of the network's parameters, by name, in its order.
        divisor: See `engine.algorithms.learner.Learner`.
    """

    library: Library
    shapes: dict[str, torch.Size]
    divisor: float | None

    adapted: ClassVar[Collection[str]] = (_ALL,)

    def laid_out(self, theta: Params) -> Params:
        """Return parameters as this network reads them; gradients are like them."""
        flat = torch.cat([theta[name].flatten() for name in self.shapes])
        places, count = self._places[flat.dtype]
        return {_ALL: flat.new_zeros(count).index_copy_(0, places, flat)}

    def named(self, values: Params) -> Params:
        """Return what is like parameters by the network's own names, `laid_out` undone."""
        flat = values[_ALL]
        flat = flat.index_select(0, self._places[flat.dtype][0])
        pieces = flat.split_with_sizes([shape.numel() for shape in self.shapes.values()])
        return {
            name: piece.view(shape) for (name, shape), piece in zip(self.shapes.items(), pieces, strict=True)
        }

    def examples(self, x: Tensor) -> Tensor:
        """Return examples as this network reads them."""
        return x.contiguous()

    def trace(self, params: Params, x: Tensor, y: Tensor) -> NativeMLPTrace:
        """Evaluate the loss of examples `x`, `y` of every task and its gradient; all is laid out."""
        return NativeMLPTrace(self, params[_ALL], x, y.contiguous())

    def check(self, params: Tensor, x: Tensor, y: Tensor) -> None:
        """Hold what is about to be pointed at to its shape and type.

        Raises:
            ValueError: These are not examples for this network, or it is not made for such numbers.
        """
        tasks, examples, inputs = x.shape
        expected = tasks, examples, self.sizes[-1]
        if inputs != self.sizes[0] or y.shape != expected or {x.dtype, y.dtype} != {params.dtype}:
            raise ValueError(f"{tuple(x.shape)} and {tuple(y.shape)} are not examples for the network")

    @cached_property
    def sizes(self) -> ctypes.Array[ctypes.c_int64]:
        """Of an input and of every layer's output."""
        weights = [shape for shape in self.shapes.values() if len(shape) == 2]
        return (ctypes.c_int64 * (len(weights) + 1))(weights[0][1], *(shape[0] for shape in weights))

    @cached_property
    def _places(self) -> dict[torch.dtype, tuple[Tensor, int]]:
        """Where in native order each number of the parameters is, and how many there are with the zeros between."""
        return {
            dtype: _native_order(list(self.shapes.values()), self.library.vector_bytes // dtype.itemsize)
            for dtype in (torch.float32, torch.float64)
        }


def native_mlp(
    library: Library, model: nn.Module, divisor: float | None, *, regression: bool
) -> NativeMLP | None:
    """Return a network in native code, or None if it is not made for it; `divisor` is that of the `Learner`."""
    if type(model) is not MLP or not regression:
        return None
    return NativeMLP(library, {name: value.shape for name, value in model.named_parameters()}, divisor)


class NativeMLPTrace:
    """What `engine.acceleration.networks.Trace` is; the gradient is laid out as parameters are, for every task."""

    def __init__(self, network: NativeMLP, params: Tensor, x: Tensor, y: Tensor) -> None:
        network.check(params, x, y)
        self._network, self._params = network, params
        self.outputs = torch.empty_like(y)
        tasks, examples, values = y.shape
        self._call = _Call(
            *(tasks, examples, len(network.sizes) - 1, params.dim() == 1),
            2 / (values * (network.divisor or examples)),
            ctypes.addressof(network.sizes),
            *(tensor.data_ptr() for tensor in (x, y, params)),
        )
        memory = params.new_empty(tasks, self._run("memory"))
        found = params.new_empty(tasks, params.shape[-1])
        self._call.memory, self._call.outputs = memory.data_ptr(), self.outputs.data_ptr()
        self._call.result = found.data_ptr()
        self._run("gradient")
        self._read = x, y, memory  # kept while they are pointed at
        self.gradient = {_ALL: found}

    def hessian_product(self, direction: Params) -> Params:
        """Return the change of the gradient as the parameters move in `direction`, summed if tasks share them."""
        found, along = torch.empty_like(self._params), direction[_ALL].contiguous()
        self._call.result, self._call.direction = found.data_ptr(), along.data_ptr()
        self._run("hessian_product")
        return {_ALL: found}

    def _run(self, name: str) -> int:
        return self._network.library.run(name, self._params.dtype, self._call)


def _native_order(shapes: list[torch.Size], width: int) -> tuple[Tensor, int]:
    """Number the places: a weight is transposed, a bias is a row below it, and rows are whole vectors."""
    places, first = [], 0
    for shape in shapes:  # [outputs, inputs] of a weight, then [outputs] of its bias
        outputs, inputs = shape[0], shape[1] if len(shape) == 2 else 1
        row = -(-outputs // width) * width
        numbers = torch.arange(first, first + inputs * row).view(inputs, row)[:, :outputs]
        places.append(numbers.T.flatten())
        first += inputs * row
    return torch.cat(places), first
