"""The blocks of `engine.models.conv4` for one task, derivatives included. See `engine.acceleration.layers`.

Pictures are `[examples, channels, height, width]` in channels-last memory, which the CPU's convolutions are fastest
on and which makes of all other work one pass over rows of channels.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, cast

import torch
from torch.nn import functional

from engine.acceleration.layers import Layer, where_positive
from engine.models.conv4 import BatchNorm

if TYPE_CHECKING:
    from torch import Tensor

    from engine.algorithms.adapt import Params

_aten = torch.ops.aten
_POOL = ([2, 2], [2, 2], [0, 0], [1, 1])  # kernel, stride, padding, dilation


def conv_block(name: str, stride: int, *, pool: bool, bottom: bool) -> Layer:
    """Return convolution, batch normalisation by the batch's own statistics, ReLU and, if asked for, 2x2 max-pooling.

    Args:
        name: The block's name in the network.
        bottom: Whether its input are the pictures.
    """
    return partial(_ConvBlockPoint, name, stride, pool, bottom)


class _ConvBlockPoint:
    """h = (y - mean y) r is the normalised convolution y = w * x, with r = (var y + epsilon)^-1/2.

    Its derivative is P(v) = r (v - mean v - h mean(h v)), which is symmetric: gradients go back through P, changes
    go forward through P. The library's kernel for the former serves both.
    """

    def __init__(self, name: str, stride: int, pool: bool, bottom: bool, params: Params, x: Tensor) -> None:
        self.stride, self.pool, self.bottom = stride, pool, bottom
        self.weight_name, self.shift_name = f"{name}.convolution.weight", f"{name}.norm.shift"
        self.weight, self.x = params[self.weight_name], x
        self.y = self._convolve(x, self.weight)
        self.mean, variance = _aten.batch_norm_update_stats(self.y, None, None, 0.0)
        self.r = (variance + BatchNorm.epsilon).rsqrt_()
        self.share = self.r * (-self.y.shape[1] / self.y.numel())
        # Normalising keeps the order of values: pooled first, it is a quarter of the work.
        pooled = self.y
        if pool:
            pooled, self.largest = _aten.max_pool2d_with_indices(self.y, *_POOL)
        shift = torch.addcmul(params[self.shift_name], self.mean, self.r, value=-1)
        self.out = torch.addcmul(_broadcast(shift), pooled, _broadcast(self.r)).relu_()

    def backward(self, g: Tensor, gradient: Params) -> Tensor:
        self.g = where_positive(self.out, g)
        self.y_bar, self.g_h, gradient[self.shift_name] = self._project(self._unpool(self.g))
        g_x, gradient[self.weight_name] = self._convolve_back(self.y_bar, self.x, self.weight)
        return g_x

    def tangent(self, direction: Params, x_dot: Tensor) -> Tensor:
        self.weight_dot, self.x_dot = direction[self.weight_name], x_dot
        y_dot = self._convolve(self.x, self.weight_dot)
        if not self.bottom:
            y_dot += self._convolve(x_dot, self.weight)
        self.h_dot, y_dot_h, _ = self._project(y_dot)
        self.log_r_dot = self.share * y_dot_h
        self.out_dot = where_positive(self.out, self._pool_like(self.h_dot))
        return self.out_dot

    def backward_tangent(self, g_dot: Tensor, product: Params) -> Tensor:
        # The product rule on P(g) = r (g - mean g - h mean(g h)), with g, h and r all changing.
        y_bar_dot, _, product[self.shift_name] = self._project(self._unpool(where_positive(self.out, g_dot)))
        of_y = self.share * self.r * (self.g * self.out_dot).sum((0, 2, 3))
        y_bar_dot.addcmul_(self.y_bar, _broadcast(self.log_r_dot))
        y_bar_dot.addcmul_(self.h_dot, _broadcast(self.share * self.g_h))
        y_bar_dot.addcmul_(self.y, _broadcast(of_y)).sub_(_broadcast(of_y * self.mean))
        g_x_dot, weight = self._convolve_back(y_bar_dot, self.x, self.weight)
        if not self.bottom:
            g_x_more, weight_more = self._convolve_back(self.y_bar, self.x_dot, self.weight_dot)
            g_x_dot += g_x_more
            weight += weight_more
        product[self.weight_name] = weight
        return g_x_dot

    def _convolve(self, x: Tensor, weight: Tensor) -> Tensor:
        return functional.conv2d(x, weight, stride=self.stride, padding=1)

    def _convolve_back(self, g: Tensor, x: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
        """Return the gradients of the convolution's input (at the bottom: `g`) and of its weight."""
        stride, wanted = [self.stride] * 2, [not self.bottom, True, False]
        g_x, g_weight, _ = _aten.convolution_backward(
            g, x, weight, None, stride, [1, 1], [1, 1], False, [0, 0], 1, wanted
        )
        return g if self.bottom else g_x, g_weight

    def _project(self, v: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return P(v), and for each channel the sums of v h and of v."""
        statistics = (self.mean, self.r, True, BatchNorm.epsilon, [True, True, True])
        found = _aten.native_batch_norm_backward(v, self.y, None, None, None, *statistics)
        return cast("tuple[Tensor, Tensor, Tensor]", found)

    def _pool_like(self, values: Tensor) -> Tensor:
        """Take from `values` what pooling took from y."""
        if not self.pool:
            return values
        return values.flatten(2).gather(2, self.largest.flatten(2)).view_as(self.out)

    def _unpool(self, g: Tensor) -> Tensor:
        """Put `g` where pooling found it, and zeros elsewhere."""
        if not self.pool:
            return g
        return cast("Tensor", _aten.max_pool2d_with_indices_backward(g, self.y, *_POOL, False, self.largest))


def _broadcast(channels: Tensor) -> Tensor:
    return channels[:, None, None]
