"""The frame of the application, with a page that does nothing but fail on demand."""

from __future__ import annotations

import asyncio
import os
import sys
import types

import pytest
from textual.widgets import Input, Static
from textual.worker import WorkerFailed

from engine.errors import ResourceError, UsageError
from engine.runs.directory import RunDirectory
from maml_tui.app.app import MamlApp
from maml_tui.app.settings import Settings
from maml_tui.app.terminal import Terminal
from maml_tui.pages.page import Page, notify_errors
from maml_tui.widgets.actions import bindings
from maml_tui.widgets.bars import KeyBar
from maml_tui.widgets.dialogs import HelpDialog

LOCAL = Terminal(colourless=False, remote=False, utf8=True)


class SetupPage(Page):
    NAME = "setup"
    BINDINGS = bindings("setup")
    pulses = 0
    failure: Exception | None = None

    def body(self):
        yield Static("the body")
        yield Input()

    async def pulse(self):
        self.pulses += 1
        if self.failure:
            raise self.failure

    def action_start(self):
        raise UsageError("nothing to start\x1b[31m")

    @notify_errors
    def handler(self):
        raise ResourceError("the disk is full")

    @notify_errors
    async def slow_handler(self):
        raise ResourceError("the disk is still full")


class TrainPage(SetupPage):
    NAME = "train"


@pytest.fixture(autouse=True)
def pages(monkeypatch, tmp_path):
    monkeypatch.setenv("MAML_STATE_DIR", str(tmp_path))
    for page in (SetupPage, TrainPage):
        module = types.ModuleType(f"maml_tui.pages.{page.NAME}.screen")
        setattr(module, page.__name__, page)
        monkeypatch.setitem(sys.modules, module.__name__, module)


def app(terminal=LOCAL, run=None, **settings):
    return MamlApp(Settings(**settings), terminal, os.environ, run)


def shown(app):
    return "\n".join(
        "".join(part.text for part in strip) for strip in app.screen._compositor.render_strips(app.size)
    )


def told_of(app):
    return [notification.message for notification in app._notifications]


def drive(app, act, size=(120, 40)):
    async def go():
        async with app.run_test(size=size) as pilot:
            await pilot.pause()
            await pilot.pause()
            await act(pilot)

    asyncio.run(go())


def test_the_first_page_comes_up_with_both_bars():
    async def act(pilot):
        text = shown(pilot.app)
        assert "[1 Setup]" in text
        assert "the body" in text
        assert "^s Start" in text

    drive(app(), act)


def test_the_page_is_pulsed_while_it_is_shown():
    async def act(pilot):
        page = pilot.app.screen
        before = page.pulses
        await asyncio.sleep(0.3)
        assert page.pulses > before

    drive(app(interface={"hz": 20}), act)


def test_what_an_action_lacks_is_told_in_one_sentence_that_cannot_steer_the_terminal():
    async def act(pilot):
        await pilot.press("ctrl+s")
        assert told_of(pilot.app) == ["nothing to start\\x1b[31m"]

    drive(app(), act)


def test_handlers_and_callbacks_tell_too():
    async def act(pilot):
        pilot.app.screen.handler()
        await pilot.app.screen.slow_handler()
        await pilot.pause()
        assert told_of(pilot.app) == ["the disk is full", "the disk is still full"]

    drive(app(), act)


def test_what_keeps_going_wrong_in_the_pulse_is_told_once():
    async def act(pilot):
        pilot.app.screen.failure = ResourceError("gone")
        await asyncio.sleep(0.5)
        assert told_of(pilot.app) == ["gone"]

    drive(app(interface={"hz": 20}), act)


def test_a_defect_ends_the_app_and_is_kept_for_the_caller():
    application = app(interface={"hz": 20})

    async def act(pilot):
        pilot.app.screen.failure = KeyError("defect")
        await asyncio.sleep(0.5)

    with pytest.raises(WorkerFailed, match="defect"):
        drive(application, act)
    assert isinstance(application.defect, KeyError)
    assert application.return_code == 1
    assert not application._exit_renderables  # no traceback for the person


def test_q_leaves_with_zero():
    application = app()

    async def act(pilot):
        pilot.app.set_focus(None)
        await pilot.press("q")

    drive(application, act)
    assert application.return_code == 0


def test_typed_letters_are_text_and_escape_gives_the_keys_back():
    async def act(pilot):
        field = pilot.app.screen.query_one(Input)
        field.focus()
        await pilot.press("q", "2")
        assert field.value == "q2"
        assert "q Detach" not in shown(pilot.app)  # it would be typed
        assert "f1 Help" in shown(pilot.app)
        await pilot.press("escape")
        assert pilot.app.focused is None
        await pilot.press("2")
        await pilot.pause()
        assert pilot.app.current_mode == "train"

    drive(app(), act)


def test_help_lists_the_keys_of_this_page_and_closes():
    async def act(pilot):
        await pilot.press("f1")
        assert isinstance(pilot.app.screen, HelpDialog)
        assert "Start the run that the form describes" in shown(pilot.app)
        assert "Pause the run" not in shown(pilot.app)
        await pilot.press("f1")
        assert not isinstance(pilot.app.screen, HelpDialog)

    drive(app(), act)


def test_the_palette_offers_every_action_that_works_now():
    async def act(pilot):
        pilot.app.screen.set_focus(None)  # a field would take the question mark
        offered = list(pilot.app.get_system_commands(pilot.app.screen))
        commands = {command.title: command.help for command in offered}
        assert len(commands) == len(offered)
        assert commands["Help"] == "All keys that work here (? f1)"
        assert "Palette" not in commands
        assert commands["Start"] == "Start the run that the form describes (^s)"
        assert "Theme" in commands
        assert "Stop" not in commands

    drive(app(), act)


def test_in_six_lines_the_palette_still_shows_an_action():
    async def act(pilot):
        await pilot.press("ctrl+p", *"theme")
        for _ in range(100):
            await pilot.pause(0.05)
            if "Theme" in shown(pilot.app):
                break
        assert "Theme" in shown(pilot.app)

    drive(app(), act, size=(30, 6))


def test_a_keymap_moves_a_key_everywhere_it_is_shown():
    async def act(pilot):
        assert "^r Start" in shown(pilot.app)
        await pilot.press("ctrl+r")
        assert told_of(pilot.app)

    drive(app(keys={"setup.start": "ctrl+r"}), act)


def test_on_a_narrow_line_the_way_out_and_the_help_stay():
    async def act(pilot):
        pilot.app.set_focus(None)
        await pilot.pause()
        bar = pilot.app.screen.query_one(KeyBar)
        text = str(bar.render())
        assert "q Detach" in text
        assert len(text) <= 30

    drive(app(), act, size=(30, 6))


def test_no_colour_means_the_theme_without_and_no_choice_of_others():
    async def act(pilot):
        assert pilot.app.theme == "ansi-dark"
        assert pilot.app.terminal.colourless
        assert "Theme" not in {command.title for command in pilot.app.get_system_commands(pilot.app.screen)}

    drive(app(Terminal(colourless=True, remote=False, utf8=True), interface={"theme": "nord"}), act)


def test_an_unknown_theme_is_named_with_the_nearest():
    with pytest.raises(UsageError, match=r"no theme is called 'nrod' \(did you mean nord\?\)"):
        app(interface={"theme": "nrod"})


def test_copying_also_leaves_a_file_and_says_where(tmp_path):
    async def act(pilot):
        pilot.app.copy("maml train smoke", "command")
        await pilot.pause()
        assert (tmp_path / "copied.txt").read_text() == "maml train smoke"
        assert str(tmp_path / "copied.txt") in told_of(pilot.app)[0]

    drive(app(), act)


def test_a_picture_of_the_screen(tmp_path):
    async def act(pilot):
        pilot.app.action_picture()
        (path,) = (tmp_path / "exports").iterdir()
        assert path.read_text().startswith("<svg")

    drive(app(), act)


def test_a_picture_that_cannot_be_written_is_told_and_ends_nothing(tmp_path):
    (tmp_path / "exports").write_text("in the way of a folder")

    async def act(pilot):
        offered = pilot.app.get_system_commands(pilot.app.screen)
        (picture,) = (one for one in offered if one.title == "Screenshot")
        await picture.callback()
        await pilot.pause()
        assert "exports" in told_of(pilot.app)[0]

    drive(app(), act)


def test_what_is_no_run_is_told_and_the_page_stays(tmp_path):
    async def act(pilot):
        pilot.app.open_run(RunDirectory(tmp_path / "nothing"))
        await pilot.pause()
        assert told_of(pilot.app)
        assert pilot.app.current_mode == "setup"

    drive(app(), act)


def test_control_c_says_how_to_leave():
    async def act(pilot):
        await pilot.press("ctrl+c")
        assert "q" in told_of(pilot.app)[0]

    drive(app(), act)


def test_over_ssh_the_screen_changes_less_often():
    assert app(Terminal(colourless=False, remote=True, utf8=True)).hz < app().hz
    assert app(interface={"hz": 1}).hz == 1
