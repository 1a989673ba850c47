"""Gradients that are recorded are those of `torch.func.grad`, to the second derivative, and load no compiler."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from torch.func import grad

from engine.algorithms.adapt import recorded_grad


def params():
    torch.manual_seed(0)
    return {name: torch.randn(size, dtype=torch.float64) for name, size in (("w", (3, 2)), ("b", (2,)))}


def loss(params, x):
    return (x @ params["w"]).tanh().square().sum() + params["b"].exp().sum()


X = torch.linspace(-1, 1, 12, dtype=torch.float64).view(4, 3)


def equal(found, expected):
    assert list(found) == list(expected)
    return all(map(torch.equal, found.values(), expected.values()))


@pytest.mark.parametrize("outside", [torch.enable_grad, torch.no_grad])
def test_it_is_the_gradient_and_records_nothing_for_others(outside):
    start = params()
    with outside():
        found = recorded_grad(loss)(start, X)
    assert equal(found, grad(loss)(start, X))
    assert not any(value.requires_grad for value in (*found.values(), *start.values()))


def test_a_gradient_of_a_gradient():
    def slope(taken):
        return lambda params, x: sum(value.sin().sum() for value in taken(loss)(params, x).values())

    found = recorded_grad(slope(recorded_grad))(params(), X)
    for name, value in grad(slope(grad))(params(), X).items():
        torch.testing.assert_close(found[name], value, rtol=1e-12, atol=1e-12)


def test_what_is_returned_beside_the_value_comes_along():
    found, beside = recorded_grad(lambda p, x: (loss(p, x), "beside"), has_aux=True)(params(), X)
    assert equal(found, grad(loss)(params(), X)) and beside == "beside"


@pytest.mark.parametrize("function", [lambda p, x: x.sum(), lambda p, x: p["b"].detach().sum()])
def test_what_the_value_does_not_depend_on_has_no_slope(function):
    assert not any(value.any() for value in recorded_grad(function)(params(), X).values())
    assert not recorded_grad(lambda p, x: p["b"].sum())(params(), X)["w"].any()


def test_without_parameters_there_are_no_slopes():
    assert recorded_grad(lambda p, x: x.sum())({}, X) == {}


def test_a_run_on_pictures_starts_without_the_compiler():
    """It takes seconds to load; the paths are chosen and held to the reference, and tasks are measured, without."""
    script = """
import sys, torch
from engine.config.resolve import override_layer, resolve
from engine.config.presets import load_preset
from engine.training.setup import Setup
config = resolve([load_preset("smoke").layer, override_layer(["val_tasks=4"])]).config
setup = Setup.build(config, torch.device("cpu"))
setup.validate(setup.initial_state().theta)
print(setup.way.name, "torch._dynamo" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert (done.returncode, done.stdout.strip()) == (0, "by-hand False"), done.stderr
