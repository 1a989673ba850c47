"""The frame of the application, with a page that does nothing but fail on demand."""

from __future__ import annotations

import sys
import types

import pytest
from app_driver import make_app, notifications, shows, started
from deadline import until
from screens import screen_text
from textual.widgets import Input, Static
from textual.worker import WorkerFailed

from engine.errors import ResourceError, UsageError
from engine.runs.directory import RunDirectory
from maml_tui.pages.page import Page, notify_errors
from maml_tui.widgets.actions import bindings
from maml_tui.widgets.bars import KeyBar
from maml_tui.widgets.dialogs import HelpDialog


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
def pages(monkeypatch):
    for page in (SetupPage, TrainPage):
        module = types.ModuleType(f"maml_tui.pages.{page.NAME}.screen")
        setattr(module, page.__name__, page)
        monkeypatch.setitem(sys.modules, module.__name__, module)


async def test_the_first_page_comes_up_with_both_bars():
    async with started(make_app()) as pilot:
        text = screen_text(pilot.app)
        assert "[1 Setup]" in text
        assert "the body" in text
        assert "^s Start" in text


async def test_the_page_is_pulsed_while_it_is_shown():
    async with started(make_app(hz=20)) as pilot:
        page = pilot.app.screen
        before = page.pulses
        await until(lambda: page.pulses > before)


async def test_what_an_action_lacks_is_told_in_one_sentence_that_cannot_steer_the_terminal():
    async with started(make_app()) as pilot:
        await pilot.press("ctrl+s")
        assert notifications(pilot) == ["nothing to start\\x1b[31m"]


async def test_handlers_and_callbacks_tell_too():
    async with started(make_app()) as pilot:
        pilot.app.screen.handler()
        await pilot.app.screen.slow_handler()
        await pilot.pause()
        assert notifications(pilot) == ["the disk is full", "the disk is still full"]


async def test_what_keeps_going_wrong_in_the_pulse_is_told_once():
    async with started(make_app(hz=20)) as pilot:
        page = pilot.app.screen
        page.failure, before = ResourceError("gone"), page.pulses
        await until(lambda: page.pulses > before + 3)
        assert notifications(pilot) == ["gone"]


async def test_a_defect_ends_the_app_and_is_kept_for_the_caller():
    application = make_app(hz=20)

    async def fail():
        async with started(application) as pilot:
            pilot.app.screen.failure = KeyError("defect")
            await until(lambda: application.defect)

    with pytest.raises(WorkerFailed, match="defect"):
        await fail()
    assert isinstance(application.defect, KeyError)
    assert application.return_code == 1
    assert not application._exit_renderables  # no traceback for the person


async def test_q_leaves_with_zero():
    application = make_app()
    async with started(application) as pilot:
        pilot.app.set_focus(None)
        await pilot.press("q")
    assert application.return_code == 0


async def test_typed_letters_are_text_and_escape_gives_the_keys_back():
    async with started(make_app()) as pilot:
        field = pilot.app.screen.query_one(Input)
        field.focus()
        await pilot.press("q", "2")
        assert field.value == "q2"
        assert "q Detach" not in screen_text(pilot.app)  # it would be typed
        assert "f1 Help" in screen_text(pilot.app)
        await pilot.press("escape")
        assert pilot.app.focused is None
        await pilot.press("2")
        await pilot.pause()
        assert pilot.app.current_mode == "train"


async def test_help_lists_the_keys_of_this_page_and_closes():
    async with started(make_app()) as pilot:
        await pilot.press("f1")
        assert isinstance(pilot.app.screen, HelpDialog)
        assert "Start the run that the form describes" in screen_text(pilot.app)
        assert "Pause the run" not in screen_text(pilot.app)
        await pilot.press("f1")
        assert not isinstance(pilot.app.screen, HelpDialog)


async def test_the_palette_offers_every_action_that_works_now():
    async with started(make_app()) as pilot:
        pilot.app.screen.set_focus(None)  # a field would take the question mark
        offered = list(pilot.app.get_system_commands(pilot.app.screen))
        commands = {command.title: command.help for command in offered}
        assert len(commands) == len(offered)
        assert commands["Help"] == "All keys that work here (? f1)"
        assert "Palette" not in commands
        assert commands["Start"] == "Start the run that the form describes (^s)"
        assert "Theme" in commands
        assert "Stop" not in commands


async def test_in_six_lines_the_palette_still_shows_an_action():
    async with started(make_app(), (30, 6)) as pilot:
        await pilot.press("ctrl+p", *"theme")
        await shows(pilot, "Theme")


async def test_a_keymap_moves_a_key_everywhere_it_is_shown():
    async with started(make_app(keys={"setup.start": "ctrl+r"})) as pilot:
        assert "^r Start" in screen_text(pilot.app)
        await pilot.press("ctrl+r")
        assert notifications(pilot)


async def test_on_a_narrow_line_the_way_out_and_the_help_stay():
    async with started(make_app(), (30, 6)) as pilot:
        pilot.app.set_focus(None)
        await pilot.pause()
        bar = pilot.app.screen.query_one(KeyBar)
        text = str(bar.render())
        assert "q Detach" in text
        assert len(text) <= 30


async def test_no_colour_means_the_theme_without_and_no_choice_of_others():
    async with started(make_app(plain=True, interface={"theme": "nord"})) as pilot:
        assert pilot.app.theme == "ansi-dark"
        assert pilot.app.terminal.colourless
        assert "Theme" not in {command.title for command in pilot.app.get_system_commands(pilot.app.screen)}


def test_an_unknown_theme_is_named_with_the_nearest():
    with pytest.raises(UsageError, match=r"no theme is called 'nrod' \(did you mean nord\?\)"):
        make_app(interface={"theme": "nrod"})


async def test_copying_also_leaves_a_file_and_says_where(root):
    async with started(make_app()) as pilot:
        pilot.app.copy("maml train smoke", "command")
        await pilot.pause()
        assert (root.parent / "copied.txt").read_text() == "maml train smoke"
        assert str(root.parent / "copied.txt") in notifications(pilot)[0]


async def test_a_picture_of_the_screen(root):
    async with started(make_app()) as pilot:
        pilot.app.action_picture()
        (path,) = (root.parent / "exports").iterdir()
        assert path.read_text().startswith("<svg")


async def test_a_picture_that_cannot_be_written_is_told_and_ends_nothing(root):
    root.parent.mkdir()
    (root.parent / "exports").write_text("in the way of a folder")
    async with started(make_app()) as pilot:
        offered = pilot.app.get_system_commands(pilot.app.screen)
        (picture,) = (one for one in offered if one.title == "Screenshot")
        await picture.callback()
        await pilot.pause()
        assert "exports" in notifications(pilot)[0]


async def test_what_is_no_run_is_told_and_the_page_stays(root):
    async with started(make_app()) as pilot:
        pilot.app.open_run(RunDirectory(root / "nothing"))
        await pilot.pause()
        assert notifications(pilot)
        assert pilot.app.current_mode == "setup"


async def test_control_c_says_how_to_leave():
    async with started(make_app()) as pilot:
        await pilot.press("ctrl+c")
        assert "q" in notifications(pilot)[0]


def test_over_ssh_the_screen_changes_less_often():
    assert make_app(remote=True).hz < make_app().hz
    assert make_app(hz=1).hz == 1
