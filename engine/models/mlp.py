"""The regression network of the paper's section 5.1."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from torch import Tensor, nn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.config.schema import ModelConfig


class MLP(nn.Module):
    """Fully connected layers with ReLU between them; weights truncated normal with std 0.01, biases 0.

    The paper has two hidden layers, 40 wide.
    """

    def __init__(self, inputs: int, hidden: Sequence[int], outputs: int) -> None:
        super().__init__()
        sizes = [inputs, *hidden, outputs]
        self.layers = nn.ModuleList(_linear(before, after) for before, after in pairwise(sizes))

    @classmethod
    def from_config(cls, config: ModelConfig, input_shape: tuple[int, ...], outputs: int) -> MLP:
        """Build the network that a configuration describes."""
        return cls(input_shape[0], config.hidden, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Map `[examples, inputs]` to `[examples, outputs]`."""
        *hidden, last = self.layers
        for layer in hidden:
            x = layer(x).relu()
        outputs: Tensor = last(x)
        return outputs


def _linear(inputs: int, outputs: int) -> nn.Linear:
    layer = nn.Linear(inputs, outputs)
    # The authors cut the normal distribution at two standard deviations.
    nn.init.trunc_normal_(layer.weight, std=0.01, a=-0.02, b=0.02)
    nn.init.zeros_(layer.bias)
    return layer
