"""Whether a run is long enough for the native code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.acceleration.native.library import library
from engine.models.conv4 import Conv4Pool, Conv4Stride

if TYPE_CHECKING:
    from torch import nn

    from engine.acceleration.native.library import Library
    from engine.config.schema import RunConfig

# Compiling takes about four seconds, in which the arithmetic of so many operations could be done without.
_WORTH_COMPILING = 5e11


def native_code(config: RunConfig, model: nn.Module, input_shape: tuple[int, ...]) -> Library | None:
    """Return the native code if a run's network is one it is made for, and training is worth compiling it.

    The answer depends on configuration and machine alone, so that a run is resumed and measured by the same code.

    Args:
        config: The run's.
        model: Its network.
        input_shape: `(channels, height, width)` of a picture.

    Raises:
        UnavailableError: It cannot be compiled or loaded here.
    """
    if (
        type(model) not in (Conv4Stride, Conv4Pool)
        or _operations(config, model, input_shape) < _WORTH_COMPILING
    ):
        return None
    return library()


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
