"""Batch normalisation by the statistics of the batch at hand, in training and in test."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn


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
