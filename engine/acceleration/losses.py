"""A task's loss at a point, with its gradient and the change of that. See `engine.acceleration.layers`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor


class SquaredError:
    """The sum of squared errors, divided.

    Args:
        outputs: The network's, `[..., examples, values]`.
        targets: Of the same shape.
        divisor: What the sum over examples is divided by.

    Attributes:
        gradient: With respect to the outputs.
    """

    def __init__(self, outputs: Tensor, targets: Tensor, divisor: float) -> None:
        self._factor = 2 / (outputs.shape[-1] * divisor)
        self.gradient = (outputs - targets) * self._factor

    def tangent(self, outputs_dot: Tensor) -> Tensor:
        """Return the change of the gradient as the outputs move in `outputs_dot`."""
        return outputs_dot * self._factor


class CrossEntropy:
    """The sum of the cross-entropies of softmax outputs, divided.

    Args:
        outputs: The network's, `[examples, classes]`.
        targets: Class columns, int64 `[examples]`.
        divisor: What the sum over examples is divided by.

    Attributes:
        gradient: With respect to the outputs.
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
