"""A person's own `nn.Module` as the network."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

from torch import nn

from engine.custom import explained, load_class
from engine.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator


def custom_network(reference: str, input_shape: tuple[int, ...], outputs: int) -> nn.Module:
    """Make the module `package.module:Class`, which maps `[examples, *input_shape]` to `[examples, outputs]`.

    Args:
        reference: The class. Its `__init__` is given `input_shape` and `outputs` if it has parameters of that name.
        input_shape: Shape of one input.
        outputs: Classes of a task, or 1 for regression.

    Raises:
        UsageError: There is no such class, it is no module, or it cannot be made.
    """
    kind = load_class(reference)
    if not issubclass(kind, nn.Module):
        raise UsageError(f"{reference} is no torch.nn.Module: let it be one")
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
