"""Processes take turns, and a row says what became of each."""

from __future__ import annotations

import pytest

from engine.config.toml import config_tables
from engine.services import client as client_module
from engine.services.bench import race as race_module
from engine.services.bench.race import race
from engine.services.client import NoAnswerError
from engine.services.messages import OURS, PEERS, BenchSetup


def question(config, contestant, order=2):
    return BenchSetup(config=config_tables(config), order=order, contestant=contestant, device="cpu")


def test_a_race(small, monkeypatch):
    monkeypatch.setattr(race_module, "_TURNS", 2)
    monkeypatch.setattr(race_module, "_TURN_SECONDS", 0.01)
    told = []
    ours, plain, missing = race(
        [
            question(small("sinusoid"), OURS),
            question(small("sinusoid"), PEERS[0], 1),
            question(small("strokes", "data=nowhere"), OURS),
        ],
        tasks=3,
        tell=told.append,
    )
    assert (ours.contestant, ours.order, ours.path) == (OURS, 2, "by-hand")
    assert (plain.contestant, plain.order, plain.path) == (PEERS[0], 1, "loop")
    for row in (ours, plain):
        assert not row.wrong and not row.problem
        assert 0 < row.p10 <= row.median <= row.p90
        assert row.tasks_per_second == pytest.approx(3 * row.iterations_per_second)
        assert row.memory > 1e6 and row.share_of_peak > 0
    assert "nowhere" in missing.problem and missing.median is None and not missing.wrong
    assert told[-1] == "turn 2 of 2" and len(told) == 5


def test_a_process_that_dies_is_told_in_words(small, monkeypatch):
    monkeypatch.setattr(client_module, "command", lambda service: ["false"])
    with pytest.raises(NoAnswerError, match="exit status 1"):
        race([question(small("sinusoid"), OURS)], tasks=3, tell=lambda _: None)
