"""The application in memory, and what a person does with it: press keys, read the screen, be notified, answer a dialog.

A test holds Textual's pilot. `watching` is the application as users start it, with its own pulse: its tests wait for
what comes (`shows`, `tells`). The fixture `open_page` opens one page without a pulse: its tests say when the page
catches up (`settled`, `press`).
"""

from __future__ import annotations

import re
from contextlib import asynccontextmanager

from deadline import until
from screens import screen_text
from textual.app import App
from textual.widgets import Static

from maml_tui.app.app import MamlApp
from maml_tui.app.settings import Settings
from maml_tui.app.terminal import Terminal
from maml_tui.pages.page import Page

SIZES = [(120, 40), (80, 24), (60, 15), (30, 6), (30, 3), (12, 2), (1, 1), (200, 60)]
"""Columns and lines that pages must bear."""

_ENDLESS = ("measure", "measurement")
"""Groups of workers that end when a helper process answers, which is for the test to say."""


def make_app(
    run=None,
    environment=(),
    *,
    charset="auto",
    hz=None,
    plain=False,
    remote=False,
    readonly=False,
    **settings,
):
    """Make the application for a terminal that knows UTF-8; `plain` is one without colours."""
    interface = {"charset": charset, **({"hz": hz} if hz else {}), **settings.pop("interface", {})}
    checked = Settings.model_validate({"interface": interface, **settings})
    return MamlApp(checked, Terminal(plain, remote, True), dict(environment), run, readonly)


@asynccontextmanager
async def started(app, size=(120, 40)):
    """Run an application until its first screen has come to rest, and yield its pilot."""
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        await pilot.pause()
        yield pilot


@asynccontextmanager
async def watching(run=None, size=(120, 40), **how):
    """Watch a run on the Train page, which changes up to twenty times a second; `how` is for `make_app`."""
    app = make_app(run, {"A": "b"}, hz=20, **how)
    async with app.run_test(size=size) as pilot:
        await until(lambda: isinstance(app.screen, Page))
        if run is None:
            app.show("train")
        await until(
            lambda: isinstance(app.screen, Page) and app.screen.NAME == "train" and app.screen.is_mounted
        )
        await pilot.pause()
        yield pilot


def notifications(pilot):
    """Return the sentences that are shown for a while, the newest last."""
    return [notification.message for notification in pilot.app._notifications]


def problems(pilot):
    """Return those of them that tell of a problem."""
    shown = pilot.app._notifications
    return [notification.message for notification in shown if notification.severity == "error"]


async def shows(pilot, pattern):
    """Wait until a pattern can be read on the screen, and until the screen has come to rest."""
    await until(lambda: re.search(pattern, screen_text(pilot.app)), explain=lambda: screen_text(pilot.app))
    await pilot.pause()


async def tells(pilot, words):
    """Wait until a notification has some words in it."""
    await until(
        lambda: any(words in sentence for sentence in notifications(pilot)),
        explain=lambda: str(notifications(pilot)),
    )


async def settled(pilot):
    """Let the page catch up with the disk, with what it asked for and with itself; return the text of the screen."""
    app = pilot.app
    await pilot.pause()
    page = next(screen for screen in app.screen_stack if isinstance(screen, Page))
    await page.pulse()
    await app._tell_outcomes()
    while working := [worker for worker in app.workers if worker.group not in _ENDLESS]:
        await app.workers.wait_for_complete(working)
    await pilot.pause()
    return screen_text(app)


async def press(pilot, *keys):
    """Press keys; return the text of the settled screen."""
    await pilot.press(*keys)
    return await settled(pilot)


class Asking(App):
    """Shows one dialog; what the dialog answers is what the application returns."""

    def __init__(self, dialog):
        super().__init__()
        self.dialog = dialog

    def on_mount(self):
        self.push_screen(self.dialog, self.exit)


async def answer(dialog, *keys, size=(80, 24)):
    """Return what a dialog answers to some keys, and the texts that it shows while it still waits for more."""
    async with started(Asking(dialog), size) as pilot:
        for key in keys:
            await pilot.press(key)
            await pilot.pause()
        texts = [str(text.render()) for text in dialog.query(Static)] if dialog.is_current else []
    return pilot.app.return_value, texts
