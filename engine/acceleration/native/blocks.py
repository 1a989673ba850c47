"""The convolution blocks of `engine.models.conv4` as one layer in native code. See `engine.acceleration.layers`.

Filters are `[3, 3, channels, filters]` in memory, pictures `[examples, height, width, channels]`; PyTorch sees both
in its own order of dimensions.
"""

from __future__ import annotations

import ctypes
import weakref
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

import torch

from engine.models.batch_norm import BatchNorm

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from engine.acceleration.native.library import Library
    from engine.algorithms.adapt import Params

_NUMBERS = ("images", "height", "width", "channels", "filters", "stride", "pool")
_POINTERS = (
    *("x", "weight", "shift", "y", "mean", "r", "top", "out"),
    *("g_out", "y_bar", "g_h", "g_shift", "g_weight", "g_x"),
    *("weight_dot", "x_dot", "h_dot", "log_r_dot", "out_dot"),
    *("g_out_dot", "y_bar_dot", "p_shift", "p_weight", "g_x_dot"),
)


class _Block(ctypes.Structure):
    """`Block` of block.h."""

    _fields_ = (
        *((name, ctypes.c_int64) for name in _NUMBERS),
        ("epsilon", ctypes.c_double),
        *((name, ctypes.c_void_p) for name in _POINTERS),
    )


@dataclass(frozen=True)
class _Sizes:
    """The sizes of one block."""

    images: int
    height: int
    width: int
    channels: int
    filters: int
    stride: int
    pool: bool

    @property
    def side(self) -> tuple[int, int]:
        return (self.height - 1) // self.stride + 1, (self.width - 1) // self.stride + 1

    @property
    def out_side(self) -> tuple[int, int]:
        height, width = self.side
        return (height // 2, width // 2) if self.pool else (height, width)

    @property
    def values(self) -> int:
        height, width = self.side
        return self.images * height * width * self.filters

    @property
    def out_values(self) -> int:
        height, width = self.out_side
        return self.images * height * width * self.filters

    @property
    def weights(self) -> int:
        return 9 * self.channels * self.filters

    def for_point(self, *, last: bool) -> dict[str, int]:
        """Return how many numbers `forward` and `backward` leave behind, by the pointer to them."""
        inside = {} if last else {"out": self.out_values, "g_out": self.out_values}
        pooled = {"top": self.out_values} if self.pool else {}
        channels = dict.fromkeys(("mean", "r", "g_h"), self.filters)
        return {"y": self.values, "y_bar": self.values, **channels, **pooled, **inside}

    def for_tangent(self, *, last: bool) -> dict[str, int]:
        """Return the same for `tangent` and `backward_tangent`."""
        inside = {} if last else {"out_dot": self.out_values, "g_out_dot": self.out_values}
        return {"h_dot": self.values, "y_bar_dot": self.values, "log_r_dot": self.filters, **inside}


def filters_innermost(values: Tensor) -> Tensor:
    """Put filters `[filters, channels, 3, 3]` into the layout of the native code."""
    return values.permute(2, 3, 1, 0).contiguous().permute(3, 2, 0, 1)


@dataclass(frozen=True)
class NativeBlocks:
    """Four blocks in a row; see `engine.acceleration.conv_layers.ConvBlock`.

    Attributes:
        library: The code.
        stride: Of the convolutions.
        pool: Whether to pool.
        spare: Memory of former points, for the next ones of the same sizes.
    """

    library: Library
    stride: int
    pool: bool
    spare: dict[object, list[_Memory]] = field(default_factory=dict, compare=False, repr=False)

    def __call__(self, params: Params, x: Tensor) -> _NativePoint:
        """Evaluate the blocks."""
        return _NativePoint(self, params, x)

    def sizes(self, params: Params, x: Tensor) -> tuple[_Sizes, ...]:
        """Return the sizes of all blocks for pictures `x`."""
        images, channels, height, width = x.shape
        found = []
        for n in range(4):
            filters = len(params[_weight(n)])
            found.append(_Sizes(images, height, width, channels, filters, self.stride, self.pool))
            channels, (height, width) = filters, found[-1].out_side
        return tuple(found)


def _weight(n: int) -> str:
    return f"blocks.{n}.convolution.weight"


def _shift(n: int) -> str:
    return f"blocks.{n}.norm.shift"


class _Memory:
    """Numbers that the blocks of one network share, with pointers to them by block and name."""

    def __init__(self, wanted: Sequence[dict[str, int]], dtype: torch.dtype) -> None:
        line = 64 // dtype.itemsize  # of the cache: no two values share one
        rounded = [{name: -(-count // line) * line for name, count in block.items()} for block in wanted]
        total = sum(sum(block.values()) for block in rounded)
        self._numbers = torch.empty(total + line, dtype=dtype)
        address = -(-self._numbers.data_ptr() // 64) * 64
        self.pointers: list[dict[str, int]] = []
        for block in rounded:
            self.pointers.append({})
            for name, count in block.items():
                self.pointers[-1][name] = address
                address += count * dtype.itemsize


class _NativePoint:
    def __init__(self, layer: NativeBlocks, params: Params, x: Tensor) -> None:
        self.layer, self.params, self.x = layer, params, x
        self.sizes = layer.sizes(params, x)
        self.blocks = (_Block * len(self.sizes))()
        for block, sizes in zip(self.blocks, self.sizes, strict=True):
            for name in _NUMBERS:
                setattr(block, name, getattr(sizes, name))
            block.epsilon = BatchNorm.epsilon
        self._take_memory([s.for_point(last=s is self.sizes[-1]) for s in self.sizes])
        self.blocks[0].x = x.data_ptr()
        for n, block in enumerate(self.blocks):
            block.weight, block.shift = params[_weight(n)].data_ptr(), params[_shift(n)].data_ptr()
            block.top = block.top or block.y
        for lower, upper in pairwise(self.blocks):
            upper.x, upper.g_x = lower.out, lower.g_out
        self.out = self._empty_output()
        self.blocks[-1].out = self.out.data_ptr()
        self._run("forward")

    def backward(self, g: Tensor, gradient: Params) -> Tensor:
        self.g = g
        self.blocks[-1].g_out = g.data_ptr()
        gradient.update(self._gradient("g_weight", "g_shift"))
        self._run("backward")
        return g

    def tangent(self, direction: Params, x_dot: Tensor) -> Tensor:  # noqa: ARG002 - pictures do not change
        self.direction = direction
        self._take_memory([s.for_tangent(last=s is self.sizes[-1]) for s in self.sizes])
        for n, block in enumerate(self.blocks):
            block.weight_dot = direction[_weight(n)].data_ptr()
        for lower, upper in pairwise(self.blocks):
            upper.x_dot, upper.g_x_dot = lower.out_dot, lower.g_out_dot
        self.out_dot = self._empty_output()
        self.blocks[-1].out_dot = self.out_dot.data_ptr()
        self._run("tangent")
        return self.out_dot

    def backward_tangent(self, g_dot: Tensor, product: Params) -> Tensor:
        self.blocks[-1].g_out_dot = g_dot.data_ptr()
        product.update(self._gradient("p_weight", "p_shift"))
        self._run("backward_tangent")
        return g_dot

    def _run(self, what: str) -> None:
        self.layer.library.run(what, self.x.dtype, self.blocks)

    def _take_memory(self, wanted: Sequence[dict[str, int]]) -> None:
        """Point the blocks at memory that is theirs until this point is gone."""
        key = self.sizes, self.x.dtype, tuple(wanted[0])
        spare = self.layer.spare.setdefault(key, [])
        memory = spare.pop() if spare else _Memory(wanted, self.x.dtype)
        weakref.finalize(self, spare.append, memory)
        for block, pointers in zip(self.blocks, memory.pointers, strict=True):
            for name, pointer in pointers.items():
                setattr(block, name, pointer)

    def _empty_output(self) -> Tensor:
        last = self.sizes[-1]
        shape = last.images, last.filters, *last.out_side
        return torch.empty(shape, dtype=self.x.dtype, memory_format=torch.channels_last)

    def _gradient(self, weight: str, shift: str) -> Params:
        """Return tensors of the weights' and the shifts' sizes, after pointing the blocks at them."""
        found = {}
        for n, (block, sizes) in enumerate(zip(self.blocks, self.sizes, strict=True)):
            values = self.x.new_empty(3, 3, sizes.channels, sizes.filters)
            shifts = self.x.new_empty(sizes.filters)
            setattr(block, weight, values.data_ptr())
            setattr(block, shift, shifts.data_ptr())
            found[_weight(n)], found[_shift(n)] = values.permute(3, 2, 0, 1), shifts
        return found
