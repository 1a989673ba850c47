"""From a configuration to its algorithm, and to the learner that is evaluated."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from engine.catalogue.entries import load

if TYPE_CHECKING:
    from torch import nn

    from engine.algorithms.algorithm import Algorithm
    from engine.algorithms.learner import Learner
    from engine.config.schema import RunConfig


def implementation(config: RunConfig) -> type[Algorithm]:
    """Return the class that the catalogue names for a configuration's algorithm."""
    return cast("type[Algorithm]", load(config.algorithm_entry.implementation))


def build_learner(config: RunConfig, model: nn.Module) -> Learner:
    """Return the learner whose adaptation to new tasks is evaluated."""
    return implementation(config).build_learner(config, model)


def build_algorithm(config: RunConfig, learner: Learner) -> Algorithm:
    """Return the algorithm that a configuration names.

    Args:
        config: The configuration.
        learner: As `build_learner` returns it.
    """
    return implementation(config).from_config(config, learner)
