"""Answers as the process gives them, made by hand."""

from __future__ import annotations

import numpy as np
import pytest

from engine.config.presets import load_preset
from engine.config.resolve import override_layer, resolve
from engine.services.explore_messages import CurveAnswer, Pictures, PicturesAnswer


@pytest.fixture
def config_of():
    """Return `config_of(preset, "key=value", ...)`."""

    def build(preset, *overrides):
        return resolve([load_preset(preset).layer, override_layer(list(overrides))]).config

    return build


def _pictures(classes, channels, side):
    """Every picture of a class has the class's number in all of its pixels, plus 100."""
    images = np.stack([np.full((channels, side, side), 100 + number, dtype=np.uint8) for number in classes])
    return Pictures(shape=images.shape, pixels=images.tobytes(), classes=tuple(classes))


@pytest.fixture
def pictures_answer():
    """Return `pictures_answer(ways, shots, queries, guesses, ...)`: each query taken for its guess, at 90 %."""

    def build(ways, shots, queries, guesses=None, channels=1, side=8):
        truth = [number for number in range(ways) for _ in range(queries)]
        chances = np.full((2, len(truth), ways), 0.1 / (ways - 1))
        for query, guess in enumerate(truth if guesses is None else guesses):
            chances[1, query, guess] = 0.9
        return PicturesAnswer(
            iteration=7,
            loss=(1.6, 0.4),
            class_names=tuple(f"name{number}" for number in range(ways)),
            support=_pictures([number for number in range(ways) for _ in range(shots)], channels, side),
            queries=_pictures(truth, channels, side),
            probabilities=tuple(tuple(map(tuple, step)) for step in chances.tolist()),
            accuracy=(1 / ways, 0.75),
        )

    return build


@pytest.fixture
def curve_answer():
    """Return `curve_answer(**changes)`: one point, three positions, two steps."""

    def build(**changes):
        usual = {
            "iteration": 7,
            "loss": (4.0, 1.0, 0.25),
            "amplitude": 2.0,
            "phase": 0.5,
            "support_x": (1.0,),
            "support_y": (1.5,),
            "x": (-5.0, 0.0, 5.0),
            "truth": (2.0, -1.0, 0.5),
            "predictions": ((0.0, 0.0, 0.0), (1.0, -0.5, 0.25), (1.9, -0.9, 0.5)),
        }
        return CurveAnswer.model_validate({**usual, **changes})

    return build
