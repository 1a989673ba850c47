"""Trained on one data set, measured on another."""

from __future__ import annotations

import pytest
import torch

from engine.config.resolve import ConfigError
from engine.errors import UsageError
from engine.services.evaluate import on_other_data, theta_for_other_data
from engine.training.checkpoint import to_bytes
from engine.training.setup import Setup

CPU = torch.device("cpu")


def payload(config):
    setup = Setup.build(config, CPU)
    return to_bytes(setup.initial_state(), setup.source.fingerprint)


def test_the_tasks_are_the_others_and_all_else_stays(small):
    config = small("strokes", "shots=2", "rotations=true")
    other = on_other_data(config, "miniimagenet")
    assert (other.task.data, other.task.class_split) == ("miniimagenet", "64-16-20")
    assert (other.task.shots, other.task.rotations, other.model) == (2, True, config.model)
    assert on_other_data(other, "omniglot").task.class_split == "1100-100-423"


def test_the_data_need_be_enough_for_what_is_measured_only(small):
    config = small("strokes", "shots=2", "queries=30", "eval_queries=15")
    other = on_other_data(config, "omniglot")
    assert (other.task.shots, other.task.queries, other.evaluation.eval_queries) == (2, 15, 15)
    fewer = on_other_data(config, "omniglot", shots=1, queries=4)
    assert (fewer.task.shots, fewer.task.queries, fewer.evaluation.eval_queries) == (1, 4, 4)


def test_curves_are_no_tasks_for_a_network_of_pictures(small):
    with pytest.raises(ConfigError, match="conv4-stride does not fit data = sinusoid"):
        on_other_data(small("strokes"), "sinusoid")


@pytest.mark.parametrize("algorithm", ["maml", "pretrained", "prototypical"])
def test_other_classes_of_the_same_form_fit(small, algorithm):
    trained = payload(small("strokes", f"algorithm={algorithm}"))
    elsewhere = Setup.build(small("strokes", f"algorithm={algorithm}", "classes=140"), CPU)
    theta = theta_for_other_data(elsewhere, trained)
    curves = elsewhere.measure_by(elsewhere.validate(theta).protocol, theta)
    assert curves.losses.shape == (4, 4)


def test_a_network_that_cannot_take_the_pictures_is_refused(small):
    elsewhere = Setup.build(small("strokes", "filters=8"), CPU)
    with pytest.raises(UsageError, match="data = strokes has inputs of 1x28x28, which do not fit"):
        theta_for_other_data(elsewhere, payload(small("strokes")))
