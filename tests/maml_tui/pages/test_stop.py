from __future__ import annotations

import asyncio
import socket

import pytest
from textual.app import App
from textual.widgets import Static

from engine.runs.directory import RunDirectory
from engine.runs.status import Status
from maml_tui.pages.run_control import StopDialog


class Asking(App[str]):
    """Asks once; what the dialog answers is what the application returns."""

    def __init__(self, path, **status):
        super().__init__()
        values = {"state": "running", "iteration": 400, "host": socket.gethostname(), **status}
        status = Status(name="demo", created=1.0, heartbeat=1.0, **values)
        self.dialog = StopDialog(RunDirectory(path / "7f3a"), status, 100)

    def on_mount(self):
        self.push_screen(self.dialog, self.exit)


def ask(app, *keys, size=(80, 24)):
    """Press keys; return the answer and what the dialog said below its list."""

    async def go():
        async with app.run_test(size=size) as pilot:
            await pilot.pause()
            for key in keys:
                await pilot.press(key)
                await pilot.pause()
            return [str(line.content) for line in app.dialog.query(Static)] if app.dialog.is_current else []

    said = asyncio.run(go())
    return app.return_value, said


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
def test_what_is_pressed_is_what_is_decided(tmp_path, keys, decision):
    assert ask(Asking(tmp_path), *keys)[0] == decision


@pytest.mark.parametrize(
    ("keys", "command"),
    [
        ([], "maml attach 7f3a"),
        (["down"], "maml stop 7f3a"),
        (["down", "down"], "maml stop 7f3a --now"),
        (["up"], "maml stop 7f3a --kill"),
    ],
)
def test_each_way_shows_its_command(tmp_path, keys, command):
    _, said = ask(Asking(tmp_path), *keys)
    assert f"same: {command} · esc changes nothing" in said


@pytest.mark.parametrize("keys", [["k"], ["up", "enter"], ["k", "y"]])
def test_a_kill_elsewhere_is_refused_with_a_sentence(tmp_path, keys):
    decision, said = ask(Asking(tmp_path, host="gpubox03"), *keys)
    assert decision is None and "its worker is on gpubox03: kill it there" in said


@pytest.mark.parametrize("size", [(80, 24), (30, 6), (1, 1)])
def test_it_can_be_left_at_any_size(tmp_path, size):
    assert ask(Asking(tmp_path), "g", size=size)[0] == "graceful"
