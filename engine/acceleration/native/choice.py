"""Whether a run is long enough for the native code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.acceleration.native.library import library
from engine.acceleration.threads import ONE_CORE_NUMBERS
from engine.models.conv4 import Conv4Pool, Conv4Stride
from engine.models.mlp import MLP

if TYPE_CHECKING:
    from torch import nn

    from engine.acceleration.native.library import Library
    from engine.config.schema import RunConfig

# What training takes by PyTorch in some ten seconds; compiling takes about six for the convolutions, one for the MLP.
_WORTH_COMPILING = 1e12
_ITERATIONS_WORTH_COMPILING = 10_000

_NARROWEST = 8  # filters in a vector of the least of processors


def native_code(config: RunConfig, model: nn.Module, input_shape: tuple[int, ...]) -> Library | None:
    """Return the native code if a run's network is one it is made for, and training is worth compiling it.

    The answer depends on configuration and machine alone, so that a run is resumed and measured by the same code.

    Args:
        config: The run's.
        model: Its network.
        input_shape: Of an example: `(channels, height, width)` of a picture.

    Raises:
        UnavailableError: It cannot be compiled or loaded here.
    """
    if type(model) is MLP:
        small = sum(value.numel() for value in model.parameters()) <= ONE_CORE_NUMBERS
        worth = small and config.is_regression and config.training.iterations >= _ITERATIONS_WORTH_COMPILING
        return library("mlp") if worth else None
    ours = type(model) in (Conv4Stride, Conv4Pool) and config.model.filters % _NARROWEST == 0
    ours &= config.algorithm.algorithm in ("maml", "fomaml")
    worth = ours and _operations(config, model, input_shape) >= _WORTH_COMPILING
    return library("conv4") if worth else None


def _operations(config: RunConfig, model: nn.Module, input_shape: tuple[int, ...]) -> float:
    """Return about how many multiplications and additions training takes: a gradient is three times the outputs."""
    task, algorithm, training = config.task, config.algorithm, config.training
    steps = algorithm.inner_steps * (3 if algorithm.algorithm == "maml" else 1)
    pictures = (
        task.ways * (task.shots * steps + task.queries) * training.meta_batch_size * training.iterations
    )
    stride = 2 if type(model) is Conv4Stride else 1
    _, height, width = input_shape
    once = 0
    for weight in model.parameters():
        if weight.dim() == 4:
            height, width = -(-height // stride), -(-width // stride)
            once += 2 * weight.numel() * height * width
            if stride == 1:
                height, width = height // 2, width // 2
    return 3.0 * once * pictures
