"""Contestants compute the same thing, say how far they are off, and answer line by line."""

from __future__ import annotations

import importlib.util

import pytest

from engine.acceleration.ways import TOLERANCE
from engine.config.toml import config_tables
from engine.errors import ResourceError
from engine.services.bench.contestant import Bench, Contestant
from engine.services.messages import OURS, PEERS, BenchSetup, BenchTurn


def question(config, contestant, order=2):
    return BenchSetup(config=config_tables(config), order=order, contestant=contestant, device="cpu")


@pytest.mark.parametrize("kind", ["sinusoid", "strokes"])
@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("contestant", [OURS, *PEERS])
def test_every_way_gives_the_same_meta_gradient(small, kind, order, contestant):
    if contestant in PEERS[1:] and importlib.util.find_spec(contestant) is None:
        pytest.skip(f"{contestant} is not installed")
    ready = Contestant(question(small(kind, "inner_steps=2"), contestant, order)).ready()
    assert ready.difference <= TOLERANCE
    assert ready.path == ("by-hand" if contestant == OURS else "loop")
    assert ready.gigaflop > 0 and ready.peak > 0 and ready.cores > 0


def test_second_order_takes_more_arithmetic(small):
    first, second = (Contestant(question(small("strokes"), OURS, order)).ready().gigaflop for order in (1, 2))
    assert second > 1.5 * first


def test_a_turn_is_as_long_as_asked_for(small):
    bench = Bench()
    assert bench.answer(question(small("sinusoid"), OURS)).path == "by-hand"
    one, three = (bench.answer(BenchTurn(iterations=count)) for count in (1, 3))
    assert (len(one.seconds), len(three.seconds)) == (1, 3)
    assert min(three.seconds) > 0 and three.memory >= one.memory > 1e6


def test_data_that_is_missing_is_told_in_words(small):
    with pytest.raises(ResourceError, match="nowhere"):
        Bench().answer(question(small("strokes", "data=nowhere"), OURS))


def test_a_library_that_is_missing_is_told_in_words(small, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "higher", None)
    with pytest.raises(ResourceError, match=r"maml-tui\[peers\]"):
        Bench().answer(question(small("sinusoid"), "higher"))
