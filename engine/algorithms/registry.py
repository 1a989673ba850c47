"""From a configuration to an algorithm, and to the learner that it is measured with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.algorithms.learner import Learner
from engine.algorithms.maml import FOMAML, MAML
from engine.algorithms.pretrained import ClassLearner, Pretrained
from engine.algorithms.prototypical import PrototypeLearner, Prototypical

if TYPE_CHECKING:
    from torch import nn

    from engine.config.schema import RunConfig


def build_learner(config: RunConfig, model: nn.Module) -> Learner:
    """Return the learner whose adaptation to new tasks is measured."""
    kind = PrototypeLearner if config.algorithm.algorithm == "prototypical" else Learner
    return kind.from_config(config, model)


def build_algorithm(config: RunConfig, learner: Learner) -> MAML:
    """Return the algorithm that a configuration names.

    Args:
        config: The configuration.
        learner: As `build_learner` returns it.
    """
    kinds = {
        "maml": MAML,
        "fomaml": FOMAML,
        "scratch": MAML,  # in no steps: the loss of the initialisation
        "prototypical": Prototypical,
        "pretrained": Pretrained,
        "oracle": Pretrained,
    }
    kind = kinds[config.algorithm.algorithm]
    if kind is Pretrained:
        learner = _classes_told_apart(learner)
    return kind(learner, config.algorithm.inner_lr, config.training_steps)


def _classes_told_apart(learner: Learner) -> Learner:
    """Return the learner of pretraining: for pictures the one that knows all training classes."""
    if learner.regression:
        return learner
    # The mean over a task's examples, whatever the loss of fine-tuning: there are no shots K to divide by.
    return ClassLearner(learner.model, learner.adapted, regression=False, buffers=learner.buffers)
