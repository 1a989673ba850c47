"""Native code for many tasks of regression gives the reference's meta-gradient, in float64 to 1e-10."""

from __future__ import annotations

import pytest
import torch
from parity import assert_as_near_as_pytorch, assert_is_the_reference, compiled, in_float32

from engine.acceleration.by_hand import by_hand, side_by_side
from engine.acceleration.networks import network_of
from engine.algorithms.learner import Learner
from engine.algorithms.maml import FOMAML, MAML
from engine.models.build import adapted_names
from engine.models.conv4 import Conv4Stride
from engine.models.mlp import MLP
from engine.tasks.episode import Episodes

NETWORKS = {
    "the paper's": ((1, 40, 40, 1), None),
    "uneven": ((3, 17, 9, 33, 5), 4),
    "wide": ((2, 130, 1), None),
    "linear": ((4, 2), None),
}


@pytest.fixture(scope="module")
def code():
    return compiled("mlp")


@pytest.fixture(params=NETWORKS)
def problem(request):
    """Return a learner, its parameters and five tasks of six support and nine query examples, in float64."""
    sizes, divisor = NETWORKS[request.param]
    torch.manual_seed(1)
    model = MLP(sizes[0], sizes[1:-1], sizes[-1]).double()
    theta = {name: value.detach() + 0.2 * torch.randn_like(value) for name, value in model.named_parameters()}
    learner = Learner(model, adapted_names(model), True, divisor)
    return learner, theta, tasks(sizes, torch.float64)


def tasks(sizes, dtype):
    return Episodes(*(torch.randn(5, n, size, dtype=dtype) for n in (6, 9) for size in (sizes[0], sizes[-1])))


@pytest.mark.parametrize("order", [MAML, FOMAML])
@pytest.mark.parametrize(
    ("steps", "chunk", "recompute"), [(0, 0, False), (1, 0, False), (1, 2, True), (5, 0, False), (5, 2, True)]
)
def test_it_is_the_reference(code, problem, order, steps, chunk, recompute):
    learner, theta, episodes = problem
    algorithm = order(learner, 0.05, steps)
    way = by_hand(algorithm, chunk, recompute=recompute, library=code)
    assert way.network.library is code
    assert_is_the_reference(way, algorithm, theta, episodes)


def test_float32_is_as_near_as_pytorch_is(code, problem):
    learner, theta, episodes = problem
    assert_as_near_as_pytorch(
        code, learner, theta, lambda: Episodes(*(torch.randn_like(part) for part in episodes.tensors()))
    )


def test_the_same_bits_every_time_and_recomputed(code, problem):
    learner, theta, episodes = problem
    first, *others = (
        by_hand(MAML(learner, 0.05, 3), 0, recompute=recompute, library=code).meta_gradient(
            *in_float32(theta, episodes)
        )[0]
        for recompute in (False, False, True)
    )
    for other in others:
        assert all(torch.equal(first[name], value) for name, value in other.items())


@pytest.mark.parametrize("poison", [float("nan"), float("inf")])
def test_what_is_not_finite_is_not_hidden(code, problem, poison):
    learner, theta, episodes = problem
    theta, episodes = in_float32(theta, episodes)
    theta = {name: value * poison for name, value in theta.items()}
    gradient, metrics = by_hand(MAML(learner, 0.05, 1), 0, recompute=False, library=code).meta_gradient(
        theta, episodes
    )
    assert not metrics.loss.isfinite()
    assert not any(value.isfinite().any() for name, value in gradient.items() if name.endswith("bias"))


@pytest.mark.parametrize("what", ["inputs", "outputs", "examples", "float32"])
def test_what_is_not_for_the_network_is_refused(code, what):
    """Native code reads where it is told to: nothing may be shorter than it takes it to be."""
    model = MLP(3, (4,), 2)
    network = network_of(Learner(model, adapted_names(model), True, None), code)
    params = network.laid_out({name: value.detach() for name, value in model.named_parameters()})
    x, y = torch.randn(5, 6, 3), torch.randn(5, 6, 2)
    broken = {
        "inputs": (x[..., :2], y),
        "outputs": (x, y[..., :1]),
        "examples": (x, y[:, :5]),
        "float32": (x.double(), y),
    }
    assert network.trace(params, x, y).outputs.shape == y.shape
    with pytest.raises(ValueError, match="not examples for the network"):
        network.trace(params, *broken[what])


def test_it_is_not_made_for_everything(code):
    classes, pictures = MLP(1, (4,), 3), Conv4Stride(1, 16, 3)
    assert network_of(Learner(classes, adapted_names(classes), False, None), code) is None
    assert network_of(Learner(pictures, adapted_names(pictures), False, None), code) is None


def test_measuring_many_tasks_is_left_to_pytorch(code):
    model = MLP(1, (4,), 1)
    learner = Learner(model, adapted_names(model), True, None)
    assert side_by_side(learner, torch.device("cpu"), code) is None
