"""From a configuration to an initialised network, and which of its parameters the inner loop may touch."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import torch
from torch import nn

from engine.errors import UsageError
from engine.models.conv4 import Conv4Pool, Conv4Stride
from engine.models.custom import custom_network
from engine.models.mlp import MLP

if TYPE_CHECKING:
    from engine.config.schema import RunConfig


class ClassHead(nn.Linear):
    """A head for all training classes beside the network's own, which pretraining learns in its place."""

    not_adapted: ClassVar[frozenset[str]] = frozenset({"weight", "bias"})


def build_model(config: RunConfig, input_shape: tuple[int, ...], classes: int = 0) -> nn.Module:
    """Return the network of `config`, initialised on the CPU from the run's seed alone.

    The same seed gives the same parameters on every device, and the process's own generator is left as it was.

    Args:
        config: The configuration.
        input_shape: Shape of one input.
        classes: Classes of a second head, called `classes`; 0 for no such head.

    Raises:
        UsageError: If the inputs do not suit the network, or a network of a person's own cannot be made.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.training.seed)
        model = _network(config, input_shape)
        if classes:
            features = model.get_parameter("head.weight").shape[1]
            model.add_module("classes", ClassHead(features, classes))
        return model


def adapted_names(model: nn.Module) -> frozenset[str]:
    """Return the names of the parameters that the inner loop adapts.

    A module keeps parameters out of it by naming them in a class attribute `not_adapted`.
    """
    kept_out = {
        f"{path}.{name}" if path else name
        for path, module in model.named_modules()
        for name in getattr(module, "not_adapted", ())
    }
    return frozenset(name for name, _ in model.named_parameters() if name not in kept_out)


def _network(config: RunConfig, input_shape: tuple[int, ...]) -> nn.Module:
    model, ways = config.model, config.task.ways
    outputs = 1 if config.is_regression else ways
    if model.network == "custom":
        return custom_network(model.model_class, input_shape, outputs)
    if len(input_shape) != (1 if model.network == "mlp" else 3):
        raise UsageError(f"network = {model.network} cannot be given inputs of shape {list(input_shape)}")
    if model.network == "mlp":
        return MLP(input_shape[0], model.hidden, outputs)
    channels, height, width = input_shape
    if model.network == "conv4-stride":
        return Conv4Stride(channels, model.filters, outputs=ways)
    if height != width or height < 16:
        raise UsageError(f"conv4-pool needs square pictures of 16 pixels or more, not {height}x{width}")
    return Conv4Pool(channels, height, model.filters, outputs=ways)
