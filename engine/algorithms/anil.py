"""ANIL (Raghu, Raghu, Bengio, Vinyals: Rapid Learning or Feature Reuse?, ICLR 2020): only the last layer is adapted."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from engine.algorithms.maml import MAML
from engine.models.build import last_layer_names

if TYPE_CHECKING:
    from torch import nn

    from engine.algorithms.learner import Learner
    from engine.config.schema import RunConfig


class ANIL(MAML):
    """MAML whose inner loop leaves the body of the network as it is (section 4).

    The meta-gradient is that of MAML: with respect to body and head, through the steps of the head.
    """

    @classmethod
    def build_learner(cls, config: RunConfig, model: nn.Module) -> Learner:
        """Return the learner that adapts the last layer."""
        return replace(super().build_learner(config, model), adapted=last_layer_names(model))
