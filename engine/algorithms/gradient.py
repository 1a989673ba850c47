"""The gradient of a function of parameters, itself differentiable, recorded as the function runs.

`torch.func.grad` is the same for functions that are batched over tasks by `torch.func.vmap`, which this one cannot be;
its first use loads PyTorch's compiler, seconds that a run or an answer to a user should not start with.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

import torch

if TYPE_CHECKING:
    from torch import Tensor

    from engine.algorithms.adapt import Params


Grad = Callable[[Callable[..., Any]], Callable[..., Any]]
"""From a function of parameters whose value is a scalar to that whose value is its gradient."""


def recorded_grad(function: Callable[..., Any], *, has_aux: bool = False) -> Callable[..., Any]:
    """Return what `torch.func.grad` does, for a dictionary of parameters.

    The gradient can be differentiated where the parameters can, which is where they are the work of a function whose
    own gradient is being taken.
    """

    def gradient(params: Params, *rest: object) -> Params | tuple[Params, object]:
        outer = any(value.requires_grad for value in params.values())
        with torch.enable_grad():
            inputs = params if outer else {n: v.detach().requires_grad_() for n, v in params.items()}
            result = function(inputs, *rest)
            value = cast("Tensor", result[0] if has_aux else result)
            tensors = tuple(inputs.values())
            if tensors and value.requires_grad:
                slopes = torch.autograd.grad(value, tensors, create_graph=outer, materialize_grads=True)
            else:  # nothing depends on the parameters
                slopes = tuple(map(torch.zeros_like, tensors))
        named = dict(zip(params, slopes, strict=True))
        return (named, result[1]) if has_aux else named

    return gradient
