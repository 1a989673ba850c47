"""From a configuration to an initialised network, and which of its parameters the inner loop may touch."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, ClassVar, cast

import torch
from torch import nn

from engine.catalogue.entries import load
from engine.catalogue.networks import NETWORKS
from engine.config.own_code import explained, load_class
from engine.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.config.schema import RunConfig


def custom_network(reference: str, input_shape: tuple[int, ...], outputs: int) -> nn.Module:
    """Make the module `package.module:Class`, which maps `[examples, *input_shape]` to `[examples, outputs]`.

    Args:
        reference: The class. Its `__init__` is given `input_shape` and `outputs` if it has parameters of that name.
        outputs: Classes of a task, or 1 for regression.

    Raises:
        UsageError: There is no such class, it is no module, or it cannot be made.
    """
    kind = load_class(reference)
    if not issubclass(kind, nn.Module):
        raise UsageError(f"{reference} must subclass torch.nn.Module")
    offered = {"input_shape": input_shape, "outputs": outputs}
    if missing := [name for name in _required(kind) if name not in offered]:
        raise UsageError(
            f"{reference} cannot be made: its __init__ needs {', '.join(missing)}, but is given input_shape and "
            "outputs only: let the others have defaults"
        )
    taken = {name: value for name, value in offered.items() if name in inspect.signature(kind).parameters}
    with explained(f"{reference} cannot be made"):
        network: nn.Module = kind(**taken)
    return network


def _required(kind: type) -> Iterator[str]:
    for name, parameter in inspect.signature(kind).parameters.items():
        named = parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
        if named and parameter.default is parameter.empty:
            yield name


class ClassHead(nn.Linear):
    """A head for all training classes beside the network's own, which pretraining learns in its place."""

    not_adapted: ClassVar[frozenset[str]] = frozenset({"weight", "bias"})


def build_model(config: RunConfig, input_shape: tuple[int, ...], classes: int = 0) -> nn.Module:
    """Return the network of `config`, initialised on the CPU from the run's seed alone.

    The same seed gives the same parameters on every device, and the process's own generator is left as it was. With
    `classes` above 0 the network has a second head of that name, with so many outputs.

    Raises:
        UsageError: If the inputs do not suit the network, or a user's own network cannot be made.
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


def last_layer_names(model: nn.Module) -> frozenset[str]:
    """Return the names of the parameters of the layer that was registered last, which gives the outputs."""
    names = [name for name, _ in model.named_parameters()]
    layer = names[-1].rpartition(".")[0]
    return frozenset(name for name in names if name.rpartition(".")[0] == layer)


def _network(config: RunConfig, input_shape: tuple[int, ...]) -> nn.Module:
    entry = NETWORKS[config.model.network]
    outputs = 1 if config.is_regression else config.task.ways
    if not entry.implementation:
        return custom_network(config.model.model_class, input_shape, outputs)
    if len(input_shape) != (1 if entry.inputs == "vector" else 3):
        raise UsageError(f"network = {entry.name} cannot be given inputs of shape {list(input_shape)}")
    return cast("nn.Module", load(entry.implementation).from_config(config.model, input_shape, outputs))
