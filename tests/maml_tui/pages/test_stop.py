from __future__ import annotations

import socket

import pytest
from app_driver import answer

from engine.runs.directory import RunDirectory
from engine.runs.status import Status
from maml_tui.pages.run_control import StopDialog


@pytest.fixture
def dialog(tmp_path):
    """Return `dialog(**status)`: the question about a run with a checkpoint."""

    def make(**changes):
        usual = {"state": "running", "iteration": 400, "host": socket.gethostname()}
        status = Status(name="demo", created=1.0, heartbeat=1.0, **{**usual, **changes})
        return StopDialog(RunDirectory(tmp_path / "7f3a"), status, 100)

    return make


@pytest.mark.parametrize(
    ("keys", "decision"),
    [
        (["enter"], "detach"),
        (["d"], "detach"),
        (["g"], "graceful"),
        (["down", "enter"], "graceful"),
        (["n"], "now"),
        (["down", "down", "enter"], "now"),
        (["escape"], None),
        (["q"], None),
        (["k", "y"], "kill"),
        (["up", "enter", "y"], "kill"),
        (["k", "n", "escape"], None),
    ],
)
async def test_what_is_pressed_is_what_is_decided(dialog, keys, decision):
    assert (await answer(dialog(), *keys))[0] == decision


@pytest.mark.parametrize(
    ("keys", "command"),
    [
        ([], "maml attach 7f3a"),
        (["down"], "maml stop 7f3a"),
        (["down", "down"], "maml stop 7f3a --now"),
        (["up"], "maml stop 7f3a --kill"),
    ],
)
async def test_each_way_shows_its_command(dialog, keys, command):
    _, said = await answer(dialog(), *keys)
    assert any(text.split(" · ")[0].endswith(f" {command}") for text in said)


@pytest.mark.parametrize("keys", [["k"], ["up", "enter"], ["k", "y"]])
async def test_a_kill_elsewhere_is_refused_with_a_sentence(dialog, keys):
    decision, said = await answer(dialog(host="gpubox03"), *keys)
    assert decision is None and any("gpubox03" in text for text in said)


@pytest.mark.parametrize("size", [(80, 24), (30, 6), (1, 1)])
async def test_it_can_be_left_at_any_size(dialog, size):
    assert (await answer(dialog(), "g", size=size))[0] == "graceful"
