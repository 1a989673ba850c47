"""The outer optimiser, Adam (Kingma, Ba 2015), by PyTorch's own fused kernel.

`torch.optim.Adam` takes the same steps to the last bit, and on a small network five times as long.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import torch

from engine.acceleration.threads import ONE_CORE_NUMBERS, sharing

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from torch import Tensor

_BETAS = (0.9, 0.999)
_EPSILON = 1e-8


class Adam:
    """Adam over parameters that are updated in place, along their `grad`.

    Args:
        parameters: What is updated; all on one device.
        rate: The step size beta.
    """

    def __init__(self, parameters: Iterable[Tensor], rate: float) -> None:
        self._parameters = list(parameters)
        self._rate = rate
        self._first = [torch.zeros_like(value) for value in self._parameters]
        self._second = [torch.zeros_like(value) for value in self._parameters]
        self._steps = torch.zeros((), device=self._parameters[0].device)
        self._is_small = sum(value.numel() for value in self._parameters) <= ONE_CORE_NUMBERS

    def step(self, skip: Tensor | None = None) -> None:
        """Take one step; none, without the host's knowing, where `skip` (a float scalar on the device) is 1."""
        self._steps += 1 if skip is None else 1 - skip
        with sharing(1 if self._is_small else torch.get_num_threads()):
            torch._fused_adam_(
                self._parameters,
                [cast("Tensor", value.grad) for value in self._parameters],
                self._first,
                self._second,
                [],
                [self._steps] * len(self._parameters),
                lr=self._rate,
                beta1=_BETAS[0],
                beta2=_BETAS[1],
                weight_decay=0.0,
                eps=_EPSILON,
                amsgrad=False,
                maximize=False,
                found_inf=skip,
            )

    def state_dict(self) -> dict[str, Any]:
        """Return what a checkpoint holds: the number of steps, and the first and second moments."""
        return {"steps": self._steps, "first": self._first, "second": self._second}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take over what `state_dict` returned.

        Raises:
            KeyError: Something is missing.
            ValueError: It is of other parameters.
        """
        found = [state["steps"], *state["first"], *state["second"]]
        for mine, other in zip([self._steps, *self._first, *self._second], found, strict=True):
            if not isinstance(other, torch.Tensor) or other.shape != mine.shape:
                raise ValueError("Adam's moments do not fit the network")
            mine.copy_(other)
