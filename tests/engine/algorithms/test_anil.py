"""ANIL: the inner loop changes the last layer only, the meta-gradient reaches all."""

from __future__ import annotations

import pytest
import torch
from parity import assert_is_the_reference

from engine.acceleration.batched import Batched
from engine.acceleration.ways import small_problem
from engine.algorithms.anil import ANIL
from engine.algorithms.maml import MAML
from engine.tasks.sampling import Split
from engine.training.loop import meta_train
from engine.training.setup import Setup

CPU = torch.device("cpu")
LAST = {"sinusoid": "layers.1", "strokes": "head"}


@pytest.fixture(params=LAST)
def setup(request, small):
    """Return the setup of a small run, and the name of its last layer."""
    return Setup.build(small(request.param, "algorithm=anil", "inner_steps=2"), CPU), LAST[request.param]


def test_only_the_last_layer_is_adapted(setup):
    setup, last = setup
    theta, episodes = setup.initial_state().theta, setup.episodes(0)
    support = episodes.support_x[0], episodes.support_y[0]
    *_, adapted = setup.learner.adapted_to(theta, support, 0.1, 2, order=1)
    changed = {name for name, value in theta.items() if not torch.equal(value, adapted[name])}
    assert changed == {f"{last}.weight", f"{last}.bias"}


def test_the_meta_gradient_reaches_the_body(setup):
    setup, last = setup
    gradient, _ = setup.algorithm.meta_gradient(setup.initial_state().theta, setup.episodes(0))
    body = [value for name, value in gradient.items() if not name.startswith(last)]
    assert body and all(value.any() for value in body)


def test_finite_differences_agree(setup):
    setup, _ = setup
    anil, theta, episodes = small_problem(setup.algorithm, setup.source)
    assert isinstance(anil, ANIL)
    gradient, _ = anil.meta_gradient(theta, episodes)
    for name in (min(theta), max(theta)):
        direction = torch.randn(theta[name].shape, dtype=torch.float64, generator=torch.manual_seed(0))

        def loss(step, name=name, direction=direction):
            moved = {**theta, name: theta[name] + step * direction}
            tasks = zip(*episodes.tensors(), strict=True)
            return torch.stack([anil.task_loss(moved, *task)[0] for task in tasks]).mean()

        expected = (loss(1e-6) - loss(-1e-6)) / 2e-6
        torch.testing.assert_close((gradient[name] * direction).sum(), expected, rtol=1e-5, atol=1e-9)


def test_it_differs_from_maml(setup):
    setup, _ = setup
    theta, episodes = setup.initial_state().theta, setup.episodes(0)
    config = setup.config
    maml = MAML.from_config(config, MAML.build_learner(config, setup.learner.model))
    ours, theirs = (one.meta_gradient(theta, episodes)[0] for one in (setup.algorithm, maml))
    assert not all(torch.equal(ours[name], theirs[name]) for name in theta)


def test_it_is_batched_without_a_warning(setup):
    setup, _ = setup
    assert (setup.way.name, setup.way.warnings) == ("vmap", ())
    for recompute in (False, True):
        small, theta, episodes = small_problem(setup.algorithm, setup.source)
        assert_is_the_reference(Batched(small, 0, recompute), small, theta, episodes)


def test_a_run_trains_and_is_evaluated(setup):
    setup, _ = setup
    state = setup.initial_state()
    *_, last = meta_train(setup, state)
    assert torch.isfinite(last.loss) and state.iteration == setup.config.training.iterations
    assert setup.measure(state.theta, Split.TEST, tasks=4, steps=2).losses.shape == (4, 3)
