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
    inner_lr, steps = config.algorithm.inner_lr, config.training_steps
    match config.algorithm.algorithm:
        case "maml":
            return MAML(learner, inner_lr, steps)
        case "fomaml":
            return FOMAML(learner, inner_lr, steps)
        case "prototypical":
            return Prototypical(learner, inner_lr, steps)
        case "scratch":  # nothing is learned: the loss of the initialisation
            return MAML(learner, inner_lr, steps)
        case "pretrained" | "oracle":
            return Pretrained(_classes_told_apart(learner), inner_lr, steps)


def _classes_told_apart(learner: Learner) -> Learner:
    """Return the learner of pretraining: for pictures the one that knows all training classes."""
    if learner.regression:
        return learner
    # The mean over a task's examples, whatever the loss of fine-tuning: there are no shots K to divide by.
    return ClassLearner(learner.model, learner.adapted, regression=False)
