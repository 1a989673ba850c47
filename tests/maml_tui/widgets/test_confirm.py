from __future__ import annotations

import asyncio

import pytest
from textual.app import App
from textual.widgets import Static

from maml_tui.widgets.dialogs import ConfirmDialog


class Asking(App[bool]):
    """Asks one question; what the dialog answers is what the application returns."""

    def on_mount(self):
        dialog = ConfirmDialog(
            "Delete run 7f3a \x1b[31m[b]?", details="[1] for good", command="maml runs rm 7f3a", yes="Delete"
        )
        self.push_screen(dialog, self.exit)


def answer(*keys):
    async def ask():
        app = Asking()
        async with app.run_test() as pilot:
            await pilot.pause()
            await pilot.press(*keys)
        return app.return_value

    return asyncio.run(ask())


@pytest.mark.parametrize(
    "keys", [["n"], ["escape"], ["enter"], ["right", "left", "enter"], ["tab", "tab", "enter"]]
)
def test_only_a_deliberate_yes_is_a_yes(keys):
    assert answer(*keys) is False


@pytest.mark.parametrize("keys", [["y"], ["right", "enter"], ["down", "enter"], ["tab", "enter"]])
def test_yes(keys):
    assert answer(*keys) is True


@pytest.mark.parametrize(("button", "expected"), [("#n", False), ("#y", True)])
def test_the_mouse_answers_too(button, expected):
    async def ask():
        app = Asking()
        async with app.run_test() as pilot:
            await pilot.pause()
            await pilot.click(button)
        return app.return_value

    assert asyncio.run(ask()) is expected


def test_texts_are_neither_markup_nor_control_characters():
    async def ask():
        app = Asking()
        async with app.run_test() as pilot:
            await pilot.pause()
            return [str(text.render()) for text in app.screen.query(Static).results(Static)]

    assert asyncio.run(ask()) == [
        r"Delete run 7f3a \x1b[31m[b]?",
        "[1] for good",
        "same: maml runs rm 7f3a",
    ]
