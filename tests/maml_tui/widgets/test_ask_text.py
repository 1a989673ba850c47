from __future__ import annotations

import asyncio

from textual.app import App
from textual.widgets import Static

from engine.errors import UsageError
from maml_tui.widgets.dialogs import TextDialog


def refuse_x(text):
    if "x" in text:
        raise UsageError("no [x]: use another letter")


class Asking(App[str]):
    """Asks for a line; what the dialog gives is what the application returns."""

    def on_mount(self):
        dialog = TextDialog("Tags of run 7f3a", "ab", hint="words", command="maml runs tag", check=refuse_x)
        self.push_screen(dialog, lambda text: self.exit(text))


def type_in(*keys):
    """Return what the dialog gave and the problem it last showed."""

    async def ask():
        app = Asking()
        async with app.run_test() as pilot:
            await pilot.pause()
            problem = app.screen.query_one(".problem", Static)
            await pilot.press(*keys)
            await pilot.pause()
            return app.return_value, str(problem.render())

    return asyncio.run(ask())


def test_enter_takes_the_line():
    assert type_in("end", "c", "enter") == ("abc", "")


def test_escape_takes_nothing():
    assert type_in("c", "escape") == (None, "")


def test_a_refused_text_stays_and_can_be_mended():
    assert type_in("end", "x", "enter") == (None, "no [x]: use another letter")
    assert type_in("end", "x", "enter", "backspace", "enter")[0] == "ab"
