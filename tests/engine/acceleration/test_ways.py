"""The way is chosen by device and network, and only if it agrees with the reference."""

from __future__ import annotations

import pytest
import torch

from engine.acceleration import ways as paths
from engine.acceleration.ways import choose_way, recomputes, relative_difference
from engine.training.setup import Setup

CPU = torch.device("cpu")


class Wrong:
    """A way that is off by a little."""

    def __init__(self, algorithm):
        self.algorithm = algorithm

    def meta_gradient(self, theta, episodes):
        gradient, metrics = self.algorithm.meta_gradient(theta, episodes)
        return {name: value * (1 + 1e-6) for name, value in gradient.items()}, metrics


class Broken:
    """A way whose operator this PyTorch does not have."""

    def meta_gradient(self, theta, episodes):
        raise NotImplementedError("no such operator\nand a long explanation")


@pytest.mark.parametrize(
    ("kind", "algorithm"),
    [
        *((kind, algorithm) for kind in ("sinusoid", "strokes") for algorithm in ("maml", "fomaml")),
        *(("sinusoid", algorithm) for algorithm in ("pretrained", "oracle")),
    ],
)
def test_our_own_networks_go_by_hand_on_the_cpu(small, kind, algorithm):
    path = Setup.build(small(kind, f"algorithm={algorithm}"), CPU).way
    assert (path.name, path.warnings) == ("by-hand", ())


def test_another_network_is_batched(small, monkeypatch):
    setup = Setup.build(small("sinusoid"), CPU)
    monkeypatch.setattr(paths, "by_hand", lambda *args, **kwargs: None)
    path = choose_way(setup.config, setup.algorithm, setup.source)
    assert (path.name, path.warnings) == ("vmap", ())


def test_a_way_that_differs_is_left_out_and_said_so(small, monkeypatch):
    setup = Setup.build(small("sinusoid"), CPU)
    monkeypatch.setattr(paths, "by_hand", lambda algorithm, *args, **kwargs: Wrong(algorithm))
    path = choose_way(setup.config, setup.algorithm, setup.source)
    assert path.name == "vmap"
    (warning,) = path.warnings
    assert warning.startswith("the fast path by-hand is not used: its meta-gradient differs")
    assert "by 1.0e-06 of its norm" in warning


def test_without_any_way_the_reference_itself_is_used(small, monkeypatch):
    setup = Setup.build(small("strokes"), CPU)
    monkeypatch.setattr(paths, "by_hand", lambda *args, **kwargs: Broken())
    monkeypatch.setattr(paths, "Batched", lambda *args: Broken())
    path = choose_way(setup.config, setup.algorithm, setup.source)
    assert path.name == "loop" and path.computation is setup.algorithm
    assert path.warnings == tuple(
        f"the fast path {name} is not used: it cannot run here (no such operator)"
        for name in ("by-hand", "vmap")
    )


@pytest.mark.parametrize(
    ("choice", "steps", "expected"),
    [("auto", 5, False), ("auto", 6, True), ("on", 1, True), ("off", 100, False)],
)
def test_when_inner_steps_are_computed_again(small, choice, steps, expected):
    assert recomputes(small("sinusoid", f"checkpoint_inner={choice}", f"inner_steps={steps}")) is expected


def test_the_difference_is_relative_to_the_whole_gradient():
    expected = {"a": torch.tensor([3.0]), "b": torch.tensor([4.0])}
    assert relative_difference({"a": torch.tensor([3.0]), "b": torch.tensor([4.5])}, expected) == 0.1
    assert relative_difference({"a": torch.tensor([0.0])}, {"a": torch.tensor([0.0])}) == 0.0
