"""Every fast way gives the reference's meta-gradient, in float64 to 1e-10."""

from __future__ import annotations

import pytest
import torch
from parity import assert_is_the_reference, in_float32

from engine.acceleration.batched import Batched
from engine.acceleration.by_hand import by_hand
from engine.algorithms.learner import Learner
from engine.algorithms.maml import FOMAML, MAML
from engine.algorithms.pretrained import Pretrained

WAYS = {
    "by-hand": lambda algorithm, chunk, recompute: by_hand(algorithm, chunk, recompute=recompute),
    "vmap": Batched,
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("order", [MAML, FOMAML])
@pytest.mark.parametrize("steps", [0, 1, 5])
@pytest.mark.parametrize(("chunk", "recompute"), [(0, False), (0, True), (2, False), (2, True), (1, False)])
def test_it_is_the_reference(problem, way, order, steps, chunk, recompute):
    learner, theta, episodes = problem
    algorithm = order(learner, 0.05, steps)
    assert_is_the_reference(WAYS[way](algorithm, chunk, recompute), algorithm, theta, episodes)


@pytest.mark.parametrize("way", WAYS)
def test_the_same_bits_every_time(problem, way):
    learner, theta, episodes = problem
    theta, episodes = in_float32(theta, episodes)
    path = WAYS[way](MAML(learner, 0.05, 2), 0, False)
    first, second = (path.meta_gradient(theta, episodes)[0] for _ in range(2))
    assert all(torch.equal(first[name], second[name]) for name in theta)


def test_recomputing_by_hand_changes_no_bit(problem):
    learner, theta, episodes = problem
    kept, again = (
        by_hand(MAML(learner, 0.05, 3), 0, recompute=recompute).meta_gradient(theta, episodes)[0]
        for recompute in (False, True)
    )
    assert all(torch.equal(kept[name], again[name]) for name in theta)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("chunk", [0, 2])
def test_pretraining_is_the_reference_too(problem, way, chunk):
    learner, theta, episodes = problem
    algorithm = Pretrained(learner)
    assert_is_the_reference(WAYS[way](algorithm, chunk, False), algorithm, theta, episodes)


class Signs(FOMAML):
    """A meta-gradient of its own: each task votes."""

    def task_gradient(self, theta, *episode):
        gradient, metrics = super().task_gradient(theta, *episode)
        return {name: value.sign() for name, value in gradient.items()}, metrics


class Doubled(MAML):
    """A task loss of its own."""

    def task_loss(self, theta, *episode):
        loss, metrics = super().task_loss(theta, *episode)
        return 2 * loss, metrics


class Slowing(Learner):
    """Steps that become smaller; all come from the signs of the gradient."""

    def step_rule(self, theta, step_size):
        def rule(params, gradient, step):
            rate = step_size / (1 + step)
            return params | {name: params[name] - rate * slope.sign() for name, slope in gradient.items()}

        return rule


@pytest.mark.parametrize("algorithm", [Signs, Doubled])
@pytest.mark.parametrize("recompute", [False, True])
def test_what_an_algorithm_overrides_is_batched(problem, algorithm, recompute):
    learner, theta, episodes = problem
    own = algorithm(learner, 0.05, 3)
    assert_is_the_reference(Batched(own, 2, recompute), own, theta, episodes)
    assert by_hand(own, 0, recompute=recompute) is None


@pytest.mark.parametrize("recompute", [False, True])
def test_a_step_rule_knows_the_number_of_its_step(problem, recompute):
    learner, theta, episodes = problem
    own = MAML(Slowing(**vars(learner)), 0.05, 3)
    plain = MAML(learner, 0.05, 3).meta_gradient(theta, episodes)[0]
    assert any(not torch.allclose(plain[name], own.meta_gradient(theta, episodes)[0][name]) for name in theta)
    assert_is_the_reference(Batched(own, 2, recompute), own, theta, episodes)
    assert by_hand(own, 0, recompute=recompute) is None
