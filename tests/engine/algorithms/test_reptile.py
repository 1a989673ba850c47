"""Reptile: towards the parameters adapted to each task, without a query set and without second derivatives."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from parity import assert_is_the_reference
from torch import nn

from engine.acceleration.batched import Batched
from engine.acceleration.ways import small_problem
from engine.algorithms.learner import Learner
from engine.algorithms.reptile import Reptile
from engine.tasks.episode import Episodes
from engine.tasks.sampling import Split
from engine.training.loop import meta_train
from engine.training.setup import Setup

CPU = torch.device("cpu")
KINDS = ("sinusoid", "strokes")


def setup_of(small, kind):
    return Setup.build(small(kind, "algorithm=reptile", "inner_steps=3"), CPU)


def line():
    """One weight: f(x) = w x."""
    model = nn.Linear(1, 1, bias=False)
    return Learner(model, frozenset({"weight"}), regression=True)


def columns(*values):
    return torch.tensor(values, dtype=torch.float64)[None, :, None]


def test_the_update_by_hand():
    """w = 1; batches (x, y): (1, 3), (2, 2), loss (w x - y)^2; alpha = 0.1.

    Step 1: w - 0.1 * 2 (1 - 3) 1 = 1.4. Step 2: 1.4 - 0.1 * 2 (2.8 - 2) 2 = 1.08. So (1 - 1.08) / 0.1 = -0.8.
    """
    episodes = Episodes(columns(1.0), columns(3.0), columns(2.0), columns(2.0))
    theta = {"weight": torch.ones(1, 1, dtype=torch.float64)}
    gradient, metrics = Reptile(line(), 0.1, 2).meta_gradient(theta, episodes)
    torch.testing.assert_close(gradient["weight"].item(), -0.8)
    torch.testing.assert_close(metrics.loss.item(), (1.08 * 2 - 2) ** 2)


@pytest.mark.parametrize("kind", KINDS)
def test_one_step_is_a_step_of_joint_training(small, kind):
    setup = setup_of(small, kind)
    reptile, theta, episodes = small_problem(setup.algorithm, setup.source)
    gradient, _ = replace(reptile, inner_steps=1).meta_gradient(theta, episodes)
    pooled = episodes.pooled()
    slopes = [
        reptile.learner.support_gradient(order=1)(theta, x, y)
        for x, y in zip(pooled.query_x, pooled.query_y, strict=True)
    ]
    for name, value in gradient.items():
        torch.testing.assert_close(value, torch.stack([one[name] for one in slopes]).mean(0))


@pytest.mark.parametrize("kind", KINDS)
def test_every_parameter_is_learned(small, kind):
    setup = setup_of(small, kind)
    gradient, _ = setup.algorithm.meta_gradient(setup.initial_state().theta, setup.episodes(0))
    assert all(value.any() for value in gradient.values())


def test_more_steps_than_examples_take_examples_again():
    episodes = Episodes(columns(1.0), columns(3.0), columns(2.0), columns(2.0))
    theta = {"weight": torch.ones(1, 1, dtype=torch.float64)}
    gradient, _ = Reptile(line(), 0.1, 7).meta_gradient(theta, episodes)
    assert gradient["weight"].isfinite().all()


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_batched_without_a_warning(small, kind):
    setup = setup_of(small, kind)
    assert (setup.way.name, setup.way.warnings) == ("vmap", ())
    reptile, theta, episodes = small_problem(setup.algorithm, setup.source)
    assert_is_the_reference(Batched(reptile, 0, recompute=True), reptile, theta, episodes)


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_trains_and_is_evaluated(small, kind):
    setup = setup_of(small, kind)
    state = setup.initial_state()
    *_, last = meta_train(setup, state)
    assert torch.isfinite(last.loss) and state.iteration == setup.config.training.iterations
    assert setup.measure(state.theta, Split.TEST, tasks=4, steps=2).losses.shape == (4, 3)
