"""The meta-gradient: by hand, by finite differences, by a plain loop; second order is not first order."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from engine.algorithms.adapt import GradientStep, adapt, recorded_grad
from engine.algorithms.learner import Learner
from engine.algorithms.maml import FOMAML, MAML
from engine.config.presets import load_preset
from engine.config.resolve import override_layer, resolve
from engine.models.build import adapted_names, build_model
from engine.models.conv4 import Conv4Pool, Conv4Stride
from engine.models.mlp import MLP
from engine.tasks.episode import Episodes

GENERATOR = torch.Generator()


@pytest.fixture(autouse=True)
def _same_numbers_in_every_test():
    """Whatever ran before: a finite difference across the kink of a ReLU or a maximum would be wrong by chance."""
    GENERATOR.manual_seed(0)
    torch.manual_seed(0)  # of the networks that the tests make


def normal(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=GENERATOR, dtype=torch.float64)


class Slope(nn.Module):
    """y = w x, the smallest network whose meta-gradient can be written down."""

    def __init__(self) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.zeros(1, dtype=torch.float64))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * self.w


def regression_episodes(tasks: int = 3, shots: int = 4) -> Episodes:
    return Episodes(*(normal(tasks, shots, 1) for _ in range(4)))


def image_episodes(side: int, channels: int, tasks: int = 2, ways: int = 3) -> Episodes:
    labels = torch.arange(ways).expand(tasks, ways)
    pictures = (normal(tasks, ways, channels, side, side) for _ in range(2))
    support_x, query_x = pictures
    return Episodes(support_x, labels, query_x, labels)


def smooth(model: nn.Module) -> nn.Module:
    """The same network in float64 with a little noise on every parameter, so that no derivative is zero by symmetry."""
    model = model.double()
    with torch.no_grad():
        for value in model.parameters():
            value += 0.3 * normal(*value.shape)
    return model


NETWORKS = {
    "mlp": (lambda: MLP(1, (7, 5), 1), lambda: regression_episodes(), None),
    "conv4-stride": (lambda: Conv4Stride(1, 4, 3), lambda: image_episodes(20, 1), 2),
    "conv4-pool": (lambda: Conv4Pool(3, 16, 3, 3), lambda: image_episodes(16, 3), 1),
}


@pytest.fixture(params=NETWORKS)
def problem(request):
    build, episodes, divisor = NETWORKS[request.param]
    model = smooth(build())
    learner = Learner(model, adapted_names(model), request.param == "mlp", divisor)
    theta = {name: value.detach() for name, value in model.named_parameters()}
    return learner, theta, episodes()


def meta_loss(algorithm: MAML, theta, episodes: Episodes) -> float:
    losses = [
        algorithm.task_loss(theta, *(part[n] for part in episodes.tensors()))[0]
        for n in range(len(episodes.support_x))
    ]
    return float(torch.stack(losses).mean())


def test_a_meta_gradient_worked_out_by_hand():
    """One point each: L = (w x - y)^2, w' = w - 2 a x (w x - y), dL'/dw = 2 q (w' q - t) (1 - 2 a x^2)."""
    w, a, (x, y), (q, t) = 0.7, 0.1, (1.5, -0.4), (0.8, 2.0)
    learner = Learner(Slope(), frozenset({"w"}), regression=True)
    theta = {"w": torch.tensor([w], dtype=torch.float64)}
    episode = Episodes(*(torch.tensor([[[v]]], dtype=torch.float64) for v in (x, y, q, t)))
    adapted = w - 2 * a * x * (w * x - y)
    outer = 2 * q * (adapted * q - t)
    second = MAML(learner, a, 1).meta_gradient(theta, episode)[0]["w"]
    first = FOMAML(learner, a, 1).meta_gradient(theta, episode)[0]["w"]
    assert second.item() == pytest.approx(outer * (1 - 2 * a * x * x), rel=1e-12)
    assert first.item() == pytest.approx(outer, rel=1e-12)


def test_two_steps_worked_out_by_hand():
    """Each further step multiplies the derivative by (1 - 2 a x^2) once more."""
    w, a, (x, y), (q, t) = -0.3, 0.05, (1.1, 0.9), (-0.6, 0.2)
    learner = Learner(Slope(), frozenset({"w"}), regression=True)
    theta = {"w": torch.tensor([w], dtype=torch.float64)}
    episode = Episodes(*(torch.tensor([[[v]]], dtype=torch.float64) for v in (x, y, q, t)))
    adapted = w
    for _ in range(2):
        adapted -= 2 * a * x * (adapted * x - y)
    expected = 2 * q * (adapted * q - t) * (1 - 2 * a * x * x) ** 2
    assert MAML(learner, a, 2).meta_gradient(theta, episode)[0]["w"].item() == pytest.approx(
        expected, rel=1e-12
    )


@pytest.mark.parametrize("steps", [1, 3])
def test_second_order_agrees_with_finite_differences(problem, steps):
    """Along random directions, so that every parameter takes part."""
    learner, theta, episodes = problem
    algorithm = MAML(learner, 0.05, steps)
    gradient, _ = algorithm.meta_gradient(theta, episodes)
    size = 1e-6
    for _ in range(3):
        direction = {name: normal(*value.shape) for name, value in theta.items()}
        ahead, behind = (
            meta_loss(
                algorithm, {name: theta[name] + sign * size * direction[name] for name in theta}, episodes
            )
            for sign in (1, -1)
        )
        slope = sum(float((gradient[name] * direction[name]).sum()) for name in theta)
        assert slope == pytest.approx((ahead - behind) / (2 * size), rel=2e-5, abs=1e-7)


@pytest.mark.parametrize("order", [MAML, FOMAML])
@pytest.mark.parametrize("steps", [1, 5])
def test_batched_over_tasks_equals_a_plain_loop(problem, order, steps):
    """The loop uses autograd only: another road to the same number."""
    learner, theta, episodes = problem
    batched, metrics = order(learner, 0.05, steps).meta_gradient(theta, episodes)
    leaves = {name: value.clone().requires_grad_() for name, value in theta.items()}
    losses = []
    for task in range(len(episodes.support_x)):
        support_x, support_y, query_x, query_y = (part[task] for part in episodes.tensors())
        params = dict(leaves)
        for _ in range(steps):
            names = sorted(learner.adapted)
            loss = learner.loss(params, support_x, support_y)
            slopes = torch.autograd.grad(loss, [params[n] for n in names], create_graph=order.order == 2)
            params |= {n: params[n] - 0.05 * slope for n, slope in zip(names, slopes, strict=True)}
        losses.append(learner.loss(params, query_x, query_y))
    torch.stack(losses).mean().backward()
    for name, value in leaves.items():
        torch.testing.assert_close(batched[name], value.grad, rtol=1e-10, atol=1e-12)
    assert math.isfinite(metrics.loss)


@pytest.mark.parametrize("steps", [1, 5])
def test_second_order_is_not_first_order(problem, steps):
    learner, theta, episodes = problem
    second, _ = MAML(learner, 0.05, steps).meta_gradient(theta, episodes)
    first, _ = FOMAML(learner, 0.05, steps).meta_gradient(theta, episodes)
    assert any(not torch.allclose(second[name], first[name], rtol=1e-3) for name in theta)


def test_both_orders_adapt_alike(problem):
    learner, theta, episodes = problem
    support = (episodes.support_x[0], episodes.support_y[0])
    first, second = (list(learner.adapted_to(theta, support, 0.1, 3, order)) for order in (1, 2))
    assert len(first) == 4
    for one, other in zip(first, second, strict=True):
        assert all(torch.equal(one[name], other[name]) for name in theta)


def test_the_shift_of_batch_norm_is_meta_learned_but_not_adapted():
    model = smooth(Conv4Stride(1, 4, 3))
    learner = Learner(model, adapted_names(model), regression=False, divisor=1)
    theta = {name: value.detach() for name, value in model.named_parameters()}
    episodes = image_episodes(20, 1)
    *_, last = learner.adapted_to(theta, (episodes.support_x[0], episodes.support_y[0]), 0.1, 2, 1)
    gradient, _ = MAML(learner, 0.1, 2).meta_gradient(theta, episodes)
    shifts = {name for name in theta if name.endswith("norm.shift")}
    assert len(shifts) == 4 and learner.adapted == set(theta) - shifts
    for name in theta:
        assert torch.equal(last[name], theta[name]) == (name in shifts)
    assert all(gradient[name].abs().sum() > 0 for name in shifts)


def test_adapt_descends_the_loss_it_is_given():
    def loss(params, x, y):
        return ((params["p"] * x - y) ** 2).sum()

    support = (torch.tensor([1.0, 2.0]), torch.tensor([3.0, 6.0]))
    path = list(adapt(recorded_grad(loss), {"p": torch.tensor(0.0)}, support, GradientStep(0.05), 20))
    losses = [float(loss(params, *support)) for params in path]
    assert losses == sorted(losses, reverse=True) and losses[-1] < 1e-5


def test_the_papers_reduction_makes_the_inner_step_n_times_larger():
    """Sum over N*K examples divided by K is N times their mean."""
    values = {}
    for reduction in ("mean", "paper"):
        overrides = override_layer(
            [f"loss_reduction={reduction}", "filters=4", "ways=4", "shots=3", "classes=100"]
        )
        config = resolve([load_preset("strokes-5w1s").layer, overrides]).config
        model = build_model(config, (1, 28, 28))
        learner = Learner.from_config(config, model)
        theta = {name: value.detach() for name, value in model.named_parameters()}
        x = torch.rand(12, 1, 28, 28, generator=torch.Generator().manual_seed(1))
        values[reduction] = float(learner.loss(theta, x, torch.arange(4).repeat_interleave(3)))
    assert values["paper"] == pytest.approx(4 * values["mean"], rel=1e-6)


def test_the_metrics_are_means_whatever_the_reduction():
    model = smooth(Conv4Stride(1, 4, 3))
    theta = {name: value.detach() for name, value in model.named_parameters()}
    episodes = image_episodes(20, 1)
    one, other = (
        MAML(Learner(model, frozenset(), False, divisor), 0.1, 1).meta_gradient(theta, episodes)[1]
        for divisor in (None, 1)
    )
    assert float(one.loss) == pytest.approx(float(other.loss))
    assert 0 <= float(one.accuracy) <= 1
