"""Native code gives the reference's meta-gradient, in float64 to 1e-10."""

from __future__ import annotations

import pytest
import torch
from parity import assert_as_near_as_pytorch, assert_is_the_reference, compiled, in_float32

from engine.acceleration.by_hand import by_hand, side_by_side
from engine.acceleration.networks import network_of
from engine.algorithms.learner import Learner
from engine.algorithms.maml import FOMAML, MAML
from engine.models.build import adapted_names
from engine.models.conv4 import Conv4Pool, Conv4Stride
from engine.models.mlp import MLP
from engine.tasks.episode import Episodes

NETWORKS = {
    "stride, grey": (lambda: Conv4Stride(1, 64, 3), (1, 28, 28), None),
    "stride, colour, uneven": (lambda: Conv4Stride(3, 48, 3), (3, 21, 24), 2),
    "stride, tiny": (lambda: Conv4Stride(2, 16, 3), (2, 3, 2), None),
    "pool, colour, uneven": (lambda: Conv4Pool(3, 23, 32, 3), (3, 23, 23), None),
    "pool, grey": (lambda: Conv4Pool(1, 36, 16, 3), (1, 36, 36), 2),
}


@pytest.fixture(scope="module")
def code():
    return compiled("conv4")


@pytest.fixture(params=NETWORKS)
def problem(request):
    """Return a learner, its parameters and three tasks of six support and nine query examples, in float64."""
    build, shape, divisor = NETWORKS[request.param]
    torch.manual_seed(1)
    model = build().double()
    theta = {name: value.detach() + 0.1 * torch.randn_like(value) for name, value in model.named_parameters()}
    return Learner(model, adapted_names(model), False, divisor), theta, tasks(shape)


def tasks(shape, count=3):
    parts = []
    for examples in (6, 9):
        labels = torch.arange(3).repeat(examples // 3).expand(count, -1)
        parts += [torch.randn(count, examples, *shape, dtype=torch.float64), labels]
    return Episodes(*parts)


@pytest.mark.parametrize("order", [MAML, FOMAML])
@pytest.mark.parametrize(
    ("steps", "chunk", "recompute"), [(0, 0, False), (1, 2, False), (5, 0, False), (5, 1, True)]
)
def test_it_is_the_reference(code, problem, order, steps, chunk, recompute):
    learner, theta, episodes = problem
    algorithm = order(learner, 0.05, steps)
    way = by_hand(algorithm, chunk, recompute=recompute, library=code)
    assert_is_the_reference(way, algorithm, theta, episodes, rtol=1e-8, atol=1e-11)


def test_float32_is_as_near_as_pytorch_is(code, problem):
    learner, theta, episodes = problem
    assert_as_near_as_pytorch(code, learner, theta, lambda: tasks(episodes.support_x.shape[2:]))


def test_the_same_bits_whatever_the_threads(code, problem):
    learner, theta, episodes = problem
    before, found = torch.get_num_threads(), []
    for threads in (1, 2, 3):
        torch.set_num_threads(threads)
        way = by_hand(MAML(learner, 0.05, 2), 0, recompute=threads == 2, library=code)
        found.append(way.meta_gradient(*in_float32(theta, episodes))[0])
    torch.set_num_threads(before)
    for other in found[1:]:
        assert all(torch.equal(found[0][name], value) for name, value in other.items())


def test_memory_of_one_size_serves_tasks_of_another(code, problem):
    learner, theta, episodes = problem
    network = by_hand(MAML(learner, 0.05, 1), 0, recompute=False, library=code).network
    start = network.laid_out(theta)
    x, y = episodes.support_x[0], episodes.support_y[0]
    alone = network.trace(start, x, y).gradient
    together = [network.trace(start, episodes.query_x[0][:n], episodes.query_y[0][:n]) for n in (3, 9, 6)]
    again = network.trace(start, x, y).gradient
    assert len(together) == 3
    assert all(torch.equal(alone[name], again[name]) for name in alone)


@pytest.mark.parametrize("poison", [float("nan"), float("inf")])
def test_what_is_not_finite_is_not_hidden(code, problem, poison):
    learner, theta, episodes = problem
    theta, episodes = in_float32(theta, episodes)
    theta = {**theta, "head.bias": torch.full_like(theta["head.bias"], poison)}
    theta["blocks.1.convolution.weight"] = theta["blocks.1.convolution.weight"] * poison
    way = by_hand(MAML(learner, 0.05, 1), 0, recompute=False, library=code)
    gradient, metrics = way.meta_gradient(theta, episodes)
    expected, told = by_hand(MAML(learner, 0.05, 1), 0, recompute=False).meta_gradient(theta, episodes)
    assert bool(metrics.loss.isfinite()) == bool(told.loss.isfinite())
    for name, value in expected.items():
        assert value.isfinite().all() == gradient[name].isfinite().all(), name


def test_outputs_after_every_step(code, problem):
    learner, theta, episodes = problem
    fast, slow = (side_by_side(learner, torch.device("cpu"), native) for native in (code, None))
    found, expected = (
        way.judge(lambda outputs, _: torch.stack(list(outputs)), [theta], episodes, 0.05, 3)
        for way in (fast, slow)
    )
    torch.testing.assert_close(torch.stack(found), torch.stack(expected), rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("model", [MLP(1, (4,), 1), Conv4Stride(1, 12, 3), Conv4Pool(3, 20, 8 + 1, 3)])
def test_it_is_not_made_for_everything(code, model):
    assert network_of(Learner(model, adapted_names(model), False, None), code) is None
