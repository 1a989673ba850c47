"""What every way to the meta-gradient is held to: the plain loop."""

from __future__ import annotations

import pytest
import torch

from engine.acceleration.by_hand import by_hand
from engine.acceleration.native.library import UnavailableError, library
from engine.acceleration.ways import TOLERANCE, relative_difference
from engine.algorithms.maml import MAML
from engine.tasks.episode import Episodes


def compiled(name):
    """Return native code; where there is no compiler, skip the test."""
    try:
        return library(name)
    except UnavailableError as error:
        pytest.skip(str(error))


def in_float32(theta, episodes):
    """Return parameters and episodes of float64 in float32."""
    parts = (part.float() if part.is_floating_point() else part for part in episodes.tensors())
    return {name: value.float() for name, value in theta.items()}, Episodes(*parts)


def assert_is_the_reference(way, algorithm, theta, episodes, rtol=1e-9, atol=1e-12):
    """In float64, to the tolerance, and every parameter by itself; the metrics, too."""
    expected, metrics = algorithm.meta_gradient(theta, episodes)
    found, measured = way.meta_gradient(theta, episodes)
    assert set(found) == set(theta)
    assert relative_difference(found, expected) <= TOLERANCE
    for name, value in expected.items():
        torch.testing.assert_close(found[name], value, rtol=rtol, atol=atol)
        assert found[name].is_contiguous()
    torch.testing.assert_close(measured.loss, metrics.loss)
    torch.testing.assert_close(measured.accuracy, metrics.accuracy, equal_nan=True)


def assert_as_near_as_pytorch(code, learner, theta, draw):
    """In float32, over several draws: a value rounded to the other side of zero may be far off in one."""
    errors = {None: [], code: []}
    for seed in range(5):
        torch.manual_seed(seed)
        episodes = draw()
        exact, _ = MAML(learner, 0.01, 1).meta_gradient(theta, episodes)
        for native, found in errors.items():
            way = by_hand(MAML(learner, 0.01, 1), 0, recompute=False, library=native)
            gradient, _ = way.meta_gradient(*in_float32(theta, episodes))
            found.append(relative_difference(gradient, exact))
    assert sorted(errors[code])[2] <= 10 * sorted(errors[None])[2] < 1e-3
