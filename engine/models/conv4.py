"""The paper's convolutional networks (section 5.2): four blocks of convolution, batch normalisation, ReLU."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from engine.errors import UsageError

if TYPE_CHECKING:
    from engine.config.schema import ModelConfig


class BatchNorm(nn.Module):
    """Normalise each channel over examples and space; add a learned shift.

    As in the authors' code: no scale, epsilon 1e-3, no running statistics (they would leak from task to task),
    and a shift that is meta-learned but not adapted in the inner loop. Mean and variance are written out because
    the double backward of the library's fused operator is wrong when it is batched over tasks.
    """

    not_adapted: ClassVar[frozenset[str]] = frozenset({"shift"})
    epsilon: ClassVar[float] = 1e-3

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.shift = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        """Normalise `x`, `[examples, channels, height, width]`."""
        centred = x - x.mean(dim=(0, 2, 3), keepdim=True)
        variance = centred.square().mean(dim=(0, 2, 3), keepdim=True)
        return centred * torch.rsqrt(variance + self.epsilon) + self.shift[:, None, None]


class ConvBlock(nn.Module):
    """A 3x3 convolution without bias (batch normalisation removes it exactly), batch normalisation, ReLU."""

    def __init__(self, channels: int, filters: int, stride: int) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(channels, filters, 3, stride=stride, padding=1, bias=False)
        self.norm = BatchNorm(filters)
        nn.init.xavier_uniform_(self.convolution.weight)

    def forward(self, x: Tensor) -> Tensor:
        """Map `[examples, channels, height, width]` to `[examples, filters, height', width']`."""
        normalised: Tensor = self.norm(self.convolution(x))
        return normalised.relu()


class Conv4Stride(nn.Module):
    """The Omniglot network: 64 filters in the paper, stride 2, mean over space, linear layer with weights N(0, 1)."""

    def __init__(self, channels: int, filters: int, outputs: int) -> None:
        super().__init__()
        self.blocks = nn.Sequential(
            *(ConvBlock(filters if n else channels, filters, stride=2) for n in range(4))
        )
        self.head = nn.Linear(filters, outputs)
        nn.init.normal_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    @classmethod
    def from_config(cls, config: ModelConfig, input_shape: tuple[int, ...], outputs: int) -> Conv4Stride:
        """Build the network that a configuration describes."""
        return cls(input_shape[0], config.filters, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Map `[examples, channels, height, width]` to `[examples, outputs]`."""
        outputs: Tensor = self.head(self.blocks(x).mean(dim=(2, 3)))
        return outputs


class Conv4Pool(nn.Module):
    """The MiniImagenet network: stride 1, 2x2 max-pooling after each block, linear layer (Xavier).

    In the paper it has 32 filters and pictures of side 84, which leaves 5 x 5 cells.
    """

    def __init__(self, channels: int, side: int, filters: int, outputs: int) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(
            ConvBlock(filters if n else channels, filters, stride=1) for n in range(4)
        )
        self.head = nn.Linear(filters * math.floor(side / 16) ** 2, outputs)
        nn.init.xavier_uniform_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    @classmethod
    def from_config(cls, config: ModelConfig, input_shape: tuple[int, ...], outputs: int) -> Conv4Pool:
        """Build the network that a configuration describes.

        Raises:
            UsageError: The pictures are not square, or too small to be pooled four times.
        """
        channels, height, width = input_shape
        if height != width or height < 16:
            raise UsageError(f"conv4-pool needs square pictures of 16 pixels or more, not {height}x{width}")
        return cls(channels, height, config.filters, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Map `[examples, channels, side, side]` to `[examples, outputs]`."""
        for block in self.blocks:
            x = functional.max_pool2d(block(x), 2)
        outputs: Tensor = self.head(x.flatten(1))
        return outputs
