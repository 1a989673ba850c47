"""A widget alone in a terminal, and what is sent to that terminal."""

from __future__ import annotations

import asyncio
import inspect

import pytest
from screens import RecordedApp

from maml_tui.widgets.sparing_screen import SparingScreen


class Window(RecordedApp):
    """An application of one widget, which keeps what it tells and copies."""

    def __init__(self, widget, theme):
        super().__init__(SparingScreen, ansi_color=theme.startswith("ansi") or None)
        self.theme = theme
        self.widget = widget
        self.told = []
        self.copied = []

    def compose(self):
        yield self.widget

    def tell(self, text, problem=False):
        self.told.append(text)

    def copy(self, text, what):
        self.copied.append((text, what))


@pytest.fixture(autouse=True)
def true_colour(monkeypatch):
    monkeypatch.setattr("textual.constants.COLOR_SYSTEM", "truecolor")


@pytest.fixture
def perform():
    """Perform steps, called with the application and its pilot, on a widget that is shown.

    Returns the application, the terminal's screen after the last step, and the bytes that each step cost.
    """

    def run(widget, *steps, size=(60, 16), theme="textual-dark"):
        app, costs = Window(widget, theme), []

        async def drive():
            async with app.run_test(size=size) as pilot:
                await pilot.pause()
                for step in steps:
                    before = len(app.sent)
                    answer = step(app, pilot)
                    if inspect.isawaitable(answer):
                        await answer
                    await pilot.pause()
                    costs.append(len(app.sent[before:].encode()))
                return app.terminal()

        return app, asyncio.run(drive()), costs

    return run
