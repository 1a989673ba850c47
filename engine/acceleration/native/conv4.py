"""The networks of `engine.models.conv4` in native code, for one task: the loss's gradient and its Hessian's products.

Parameters, gradients and directions are here two tensors each: `weights`, which are adapted, one after the other in
the native code's own order of dimensions, and `shifts`, which are not.
"""

from __future__ import annotations

import ctypes
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

import torch

from engine.acceleration.native.library import Library, call_fields
from engine.models.conv4 import Conv4Pool, Conv4Stride

if TYPE_CHECKING:
    from collections.abc import Collection

    from torch import Tensor, nn

    from engine.algorithms.adapt import Params

_WEIGHTS, _SHIFTS = "weights", "shifts"
_NUMBERS = ("images", "channels", "height", "width", "filters", "classes", "stride", "pool")
_POINTERS = (
    *("x", "labels", "weights", "shifts", "memory", "outputs", "g_weights", "g_shifts"),
    *("weights_dot", "tangent_memory", "p_weights", "p_shifts"),
)


class _Call(ctypes.Structure):
    """`Call` of conv4.cpp."""

    _fields_ = call_fields(_NUMBERS, "divisor", _POINTERS)


@dataclass(frozen=True)
class NativeConv4:
    """What `engine.acceleration.networks.Network` is, in native code.

    Attributes:
        shapes: Of the network's parameters, by name, in its order.
        pool: Whether it is the one with pooling.
        divisor: See `engine.algorithms.learner.Learner`.
        spare: What former traces worked in, for the next ones of the same sizes.
    """

    library: Library
    shapes: dict[str, torch.Size]
    pool: bool
    divisor: float | None
    spare: dict[object, list[Tensor]] = field(default_factory=dict, compare=False, repr=False)

    adapted: ClassVar[Collection[str]] = (_WEIGHTS,)

    def laid_out(self, theta: Params) -> Params:
        """Return parameters as this network reads them; gradients are like them."""
        weights = [_inside(name, theta[name], self.filters).flatten() for name in self._names(_WEIGHTS)]
        return {_WEIGHTS: torch.cat(weights), _SHIFTS: torch.cat([theta[n] for n in self._names(_SHIFTS)])}

    def named(self, values: Params) -> Params:
        """Return what is like parameters by the network's own names, `laid_out` undone."""
        found = {}
        for kind in (_WEIGHTS, _SHIFTS):
            names = self._names(kind)
            pieces = torch.split_with_sizes(values[kind], [self.shapes[name].numel() for name in names])
            found.update(
                {n: _outside(n, p, self.shapes[n], self.filters) for n, p in zip(names, pieces, strict=True)}
            )
        return {name: found[name] for name in self.shapes}

    def examples(self, x: Tensor) -> Tensor:
        """Return pictures as this network reads them."""
        return x.contiguous()

    def outputs(self, params: Params, x: Tensor) -> Tensor:
        """Return the outputs for examples `x`; parameters and examples are laid out."""
        return NativeConv4Trace(self, params, x, None).outputs

    def trace(self, params: Params, x: Tensor, y: Tensor) -> NativeConv4Trace:
        """Evaluate the loss of examples `x`, `y` and its gradient; parameters and examples are laid out."""
        return NativeConv4Trace(self, params, x, y.contiguous())

    @property
    def filters(self) -> int:
        """Filters of every convolution."""
        return self.shapes["blocks.0.norm.shift"].numel()

    def _names(self, kind: str) -> list[str]:
        return [name for name in self.shapes if name.endswith("shift") == (kind == _SHIFTS)]

    def call(self, params: Params, x: Tensor, y: Tensor | None) -> _Call:
        """Return the description of the network, its sizes and what it reads."""
        numbers = (*x.shape, self.filters, self.shapes["head.bias"].numel(), 1 if self.pool else 2, self.pool)
        read = x.data_ptr(), None if y is None else y.data_ptr(), *(v.data_ptr() for v in params.values())
        return _Call(*numbers, self.divisor or len(x), *read)


def native_conv4(
    library: Library, model: nn.Module, divisor: float | None, *, regression: bool
) -> NativeConv4 | None:
    """Return a network in native code, or None if it is not made for it; `divisor` is that of the `Learner`."""
    if type(model) not in (Conv4Stride, Conv4Pool) or regression:
        return None
    shapes = {name: value.shape for name, value in model.named_parameters()}
    network = NativeConv4(library, shapes, isinstance(model, Conv4Pool), divisor)
    # Of float32; a vector holds half as many numbers of float64.
    return None if network.filters % (library.vector_bytes // 4) else network


class NativeConv4Trace:
    """What `engine.acceleration.networks.Trace` is, on examples of one task.

    The gradient is laid out as parameters are; it is empty where `y` is None.
    """

    def __init__(self, network: NativeConv4, params: Params, x: Tensor, y: Tensor | None) -> None:
        self._network, self._read = network, (params, x, y)  # kept while they are pointed at
        self._call = network.call(params, x, y)
        self.outputs = x.new_empty(len(x), self._call.classes)
        self._memory = self._take("numbers")
        self._call.outputs, self._call.memory = self.outputs.data_ptr(), self._memory.data_ptr()
        self._step("outputs")
        self.gradient: Params = {}
        if y is not None:
            self.gradient, pointers = self._like_parameters()
            self._call.g_weights, self._call.g_shifts = pointers
            self._step("gradient")

    def __del__(self) -> None:
        self._give_back("numbers", self._memory)

    def hessian_product(self, direction: Params) -> Params:
        """Return the change of the gradient as the parameters move in `direction`. To be called once."""
        memory = self._take("tangent_numbers")
        self._call.tangent_memory, self._call.weights_dot = memory.data_ptr(), direction[_WEIGHTS].data_ptr()
        found, pointers = self._like_parameters()
        self._call.p_weights, self._call.p_shifts = pointers
        self._step("hessian_product")
        self._give_back("tangent_numbers", memory)
        return found

    def _step(self, name: str) -> None:
        self._network.library.run(name, self.outputs.dtype, self._call)

    def _like_parameters(self) -> tuple[Params, list[int]]:
        found = {name: torch.empty_like(value) for name, value in self._read[0].items()}
        return found, [value.data_ptr() for value in found.values()]

    def _take(self, numbers: str) -> Tensor:
        """Return memory that no other run works in, until it is given back."""
        spare = self._network.spare.setdefault((numbers, self._read[1].shape, self.outputs.dtype), [])
        if spare:
            return spare.pop()
        count = self._network.library.run(numbers, self.outputs.dtype, self._call)
        return self.outputs.new_empty(count)

    def _give_back(self, numbers: str, memory: Tensor) -> None:
        self._network.spare[numbers, self._read[1].shape, memory.dtype].append(memory)


def _inside(name: str, value: Tensor, filters: int) -> Tensor:
    """Return a parameter with its dimensions in the order of the native code, the filters innermost."""
    if value.dim() == 4:
        return value.permute(1, 2, 3, 0) if name.startswith("blocks.0.") else value.permute(2, 3, 1, 0)
    return value.view(len(value), filters, -1).mT if value.dim() == 2 else value


def _outside(name: str, values: Tensor, shape: torch.Size, filters: int) -> Tensor:
    """Return a parameter from its values in the order of the native code."""
    count, *others = shape
    if len(shape) == 4:
        if name.startswith("blocks.0."):
            return values.view(*others, count).permute(3, 0, 1, 2).contiguous()
        return values.view(3, 3, others[0], count).permute(3, 2, 0, 1).contiguous()
    return values.view(count, -1, filters).mT.reshape(shape) if len(shape) == 2 else values.clone()
