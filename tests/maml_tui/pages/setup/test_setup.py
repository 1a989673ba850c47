"""The Setup page: each key, each size, and a start that is the command it shows."""

from __future__ import annotations

import asyncio
import functools
import shlex
from types import SimpleNamespace

import pytest
from textual.widgets import Input, Select, Tabs

from engine.config.record import read_record
from engine.errors import ResourceError
from engine.runs.index import list_runs
from engine.services.messages import ESTIMATE, Costs
from maml_tui.app.app import MamlApp
from maml_tui.app.settings import Settings
from maml_tui.app.terminal import Terminal
from maml_tui.cli import run as run_command_line
from maml_tui.cli import train
from maml_tui.pages.setup import screen as setup
from maml_tui.pages.setup.form import FieldRow, Switch
from maml_tui.pages.setup.templates import own_presets
from maml_tui.widgets.dialogs import ConfirmDialog

SIZES = [(120, 40), (119, 32), (80, 24), (60, 15), (45, 10), (30, 6), (12, 2), (1, 1), (200, 60)]
COSTS = Costs(
    device="cpu",
    device_name="x86_64",
    iterations_per_second=2.4,
    iterations_per_second_p90=2.2,
    memory_peak=3 << 30,
    memory_total=16 << 30,
    seconds=3600,
    parameters=111_749,
    checkpoint_bytes=1,
)


def asynchronous(test):
    """Let a coroutine be a test."""

    @functools.wraps(test)
    def run(*args, **kwargs):
        asyncio.run(test(*args, **kwargs))

    return run


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """Every test has directories of its own."""
    for name in ("STATE", "DATA", "CONFIG"):
        monkeypatch.setenv(f"MAML_{name}_DIR", str(tmp_path / name.lower()))
    monkeypatch.delenv("MAML_DEVICE", raising=False)
    return tmp_path


@pytest.fixture
def opened(monkeypatch):
    """Return `opened(size, ...)`: the application on its Setup page, with no pulse but the tests' own."""
    monkeypatch.setattr(MamlApp, "on_mount", lambda self: self.show("setup"))
    monkeypatch.setattr(MamlApp, "_begin", lambda self: None)

    def open_at(size=(120, 40), charset="unicode", readonly=False, **environment):
        settings = Settings.model_validate({"interface": {"charset": charset}})
        environment = {"CUDA_VISIBLE_DEVICES": "", **environment}
        return MamlApp(settings, Terminal(False, False, True), environment, readonly=readonly).run_test(
            size=size
        )

    return open_at


@pytest.fixture
def started(monkeypatch):
    """Stand in for workers and the Train page: keep what was started, with which environment, and what was opened."""
    kept = SimpleNamespace(workers=[], opened=[])
    monkeypatch.setattr(
        "engine.runs.control.start_worker",
        lambda run, environment: kept.workers.append((run, environment)),
    )
    monkeypatch.setattr(MamlApp, "open_run", lambda self, run: kept.opened.append(run))
    return kept


@pytest.fixture
def measured(monkeypatch):
    """Stand in for the process that measures: `measured.answer` is what it gives, or raises, once `go` is set."""
    kept = SimpleNamespace(answer=COSTS, questions=[], cancelled=0, go=None)

    async def measure(service, question, environment):
        assert service is ESTIMATE
        kept.go = kept.go or asyncio.Event()
        kept.questions.append((question, environment))
        try:
            await kept.go.wait()
        except asyncio.CancelledError:
            kept.cancelled += 1
            raise
        if isinstance(kept.answer, Exception):
            raise kept.answer
        return kept.answer

    monkeypatch.setattr(setup, "ask_async", measure)
    return kept


async def shown(pilot):
    """Let the page catch up; return what can be read on the screen."""
    await pilot.pause()
    if isinstance(pilot.app.screen, setup.SetupPage):
        await pilot.app.screen.pulse()
        await pilot.pause()
    strips = pilot.app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip) for strip in strips)


def control(pilot, name):
    return next(row.control for row in pilot.app.screen.query(FieldRow) if row.field.name == name)


def here(pilot):
    """Return the name of the field that has the focus."""
    field = pilot.app.screen._form.focused_field
    return field.name if field else None


def told(pilot):
    """Return the newest sentence that was told."""
    return [note.message for note in pilot.app._notifications][-1]


async def type_in(pilot, name, text):
    control(pilot, name).focus()
    await pilot.pause()
    await pilot.press("end", "ctrl+u", *text)
    await pilot.pause()


@asynchronous
async def test_it_opens_on_a_preset_that_works_at_once(opened):
    async with opened() as pilot:
        screen = await shown(pilot)
    for words in (
        "omniglot-20w1s",
        "● smoke",
        "ways N           5",
        "maml train smoke",
        "exactly preset smoke",
        "8×5×(1+2) = 120 images",
        "✓ strokes needs no data",
        "✓ device auto; no GPU",
        "A small network on a few made-up characters",
    ):
        assert words in screen
    assert "hidden layers" not in screen and "amplitude" not in screen


@asynchronous
async def test_a_bad_value_is_told_and_led_to(opened, started):
    async with opened() as pilot:
        await type_in(pilot, "meta_lr", "o.1")
        await type_in(pilot, "ways", "1")
        screen = await shown(pilot)
        assert "meta_lr = 'o.1': must be a valid number" in screen
        assert "ways = 1: must be greater than or equal to 2" in screen
        assert "✗ ways N" in screen and "✗ meta lr" in screen and "✗ 2 fields are wrong" in screen
        assert "MAML ✗1" in screen
        await pilot.press("ctrl+o", "ctrl+n")
        assert here(pilot) == "ways"
        await pilot.press("ctrl+n")
        assert here(pilot) == "meta_lr"
        await pilot.press("ctrl+n")
        assert here(pilot) == "ways"
        await pilot.press("ctrl+s")
        assert (here(pilot), started.workers, list_runs()) == ("meta_lr", [], [])
        await type_in(pilot, "ways", "4")
        await type_in(pilot, "meta_lr", "0.1")
        screen = await shown(pilot)
        assert "✗" not in screen and "* ways N" in screen and "ways N 4 (5)" in screen


@asynchronous
async def test_the_field_in_focus_is_explained(opened):
    async with opened() as pilot:
        control(pilot, "inner_lr").focus()
        assert "Step size alpha of the inner loop. (> 0, ≤ 100)" in await shown(pilot)


@asynchronous
async def test_an_explanation_that_does_not_fit_says_so(opened):
    async with opened() as pilot:
        control(pilot, "algorithm").focus()
        screen = await shown(pilot)
        assert "maml differentiates" in screen and " the mean of each class." not in screen and " …" in screen
        await pilot.resize_terminal(119, 32)
        assert "(first order)" in await shown(pilot)
        await pilot.resize_terminal(60, 10)
        assert "the inner steps (second …" in await shown(pilot)


@asynchronous
async def test_the_field_in_focus_and_the_keys_stay_when_the_window_changes(opened):
    async with opened() as pilot:
        control(pilot, "inner_lr").focus()
        await pilot.resize_terminal(80, 24)
        screen = await shown(pilot)
        assert "inner lr" in screen and "ways N" not in screen and here(pilot) == "inner_lr"
        pilot.app.screen.set_focus(None)
        assert "Filter" not in await shown(pilot)
        await pilot.resize_terminal(120, 40)
        assert "/ Filter" in await shown(pilot)


@asynchronous
async def test_options_without_effect_are_hidden(opened):
    async with opened() as pilot:
        control(pilot, "data").value = "sinusoid"
        await pilot.pause()
        screen = await shown(pilot)
        assert "network = conv4-stride does not fit data = sinusoid" in screen
        assert "amplitude A" in screen and "ways N" not in screen
        await pilot.press("ctrl+n")
        assert here(pilot) == "network"
        control(pilot, "network").value = "mlp"
        await pilot.pause()
        screen = await shown(pilot)
        assert "hidden layers" in screen and "filters" not in screen and "✗" not in screen


@asynchronous
async def test_only_the_splits_of_the_chosen_data_are_offered(opened):
    async with opened() as pilot:
        control(pilot, "data").value = "miniimagenet"
        await shown(pilot)
        offered = [value for _, value in control(pilot, "class_split")._options]
        assert offered == ["64-16-20", "64-12-24"]


@pytest.mark.parametrize(
    ("fill_in", "settings"),
    [
        ({}, ()),
        (
            {"meta_lr": "1e-4", "seed": "7", "name": "mine", "classes": " 200 "},
            ("meta_lr", "seed", "classes"),
        ),
        (
            {"data": "sinusoid", "network": "mlp", "hidden": "8, 8", "device": "cpu"},
            ("data", "network", "hidden"),
        ),
        ({"rotations": True, "eval_mode": "inductive"}, ("rotations", "eval_mode")),
    ],
)
@asynchronous
async def test_start_makes_the_run_that_the_shown_command_makes(
    opened, started, monkeypatch, fill_in, settings
):
    async with opened(MARK="1") as pilot:
        for name, value in fill_in.items():
            if isinstance(control(pilot, name), Input):
                await type_in(pilot, name, value)
            else:
                control(pilot, name).value = value
                await pilot.pause()
        draft = pilot.app.screen._state.draft
        assert set(draft.changed) == set(settings)
        command = shlex.split(draft.request.command())
        assert command[1:] == shlex.split((await copied(pilot)).replace("\\\n", ""))[1:]
        await pilot.press("ctrl+s")
    ((run, environment),) = started.workers
    assert started.opened == [run] and environment["MARK"] == "1"
    monkeypatch.setattr(train, "work", lambda run, record, display: 0)
    assert run_command_line(command[1:]) == 0
    (other,) = (summary.run for summary in list_runs() if summary.run != run)
    ours, theirs = read_record(run.config), read_record(other.config)
    assert ours.resolved.config == theirs.resolved.config
    assert ours == theirs, "name, device, command, preset and sources, too"


async def copied(pilot):
    await pilot.press("ctrl+g")
    await pilot.pause()
    return pilot.app.clipboard


@asynchronous
async def test_missing_data_start_nothing(opened, started):
    async with opened() as pilot:
        await choose(pilot, "omniglot-5w1s")
        assert "✗ the data set 'omniglot'" in await shown(pilot)
        await pilot.press("ctrl+s")
        await pilot.pause()
        assert told(pilot).startswith("the data set 'omniglot' is not in")
    assert (started.workers, list_runs()) == ([], [])


@asynchronous
async def test_a_window_that_only_watches_starts_nothing(opened, started):
    async with opened(readonly=True) as pilot:
        await pilot.press("ctrl+s")
        await pilot.pause()
        assert "--readonly" in told(pilot)
    assert started.workers == []


async def choose(pilot, words):
    """Choose the first template that a filter finds."""
    await shown(pilot)
    await pilot.press("ctrl+o", "slash")
    pilot.app.screen.focused.value = words
    await pilot.pause()
    await pilot.press("enter")
    await pilot.pause()


@asynchronous
async def test_presets_are_found_and_loaded_and_keep_what_was_typed(opened):
    async with opened(MAML_DEVICE="cpu") as pilot:
        await type_in(pilot, "seed", "5")
        await choose(pilot, "papers 20w1s")
        screen = await shown(pilot)
        assert "● omniglot-20w1s" in screen and "smoke" not in screen
        assert "95.8 ± 0.3 %" in screen and "maml train omniglot-20w1s" in screen and "--device cpu" in screen
        await choose(pilot, "smoke")
        assert control(pilot, "seed").value == "5"
        await choose(pilot, "smoke")
        assert control(pilot, "seed").value == "0", "loading again what is loaded starts afresh"


@asynchronous
async def test_a_run_can_be_started_again(opened, started):
    async with opened() as pilot:
        await type_in(pilot, "seed", "5")
        await pilot.press("ctrl+s")
        ((run, _),) = started.workers
        pilot.app.screen.on_screen_resume()
        await choose(pilot, run.id)
        assert "seed 5 (0)" in await shown(pilot)


@asynchronous
async def test_measuring(opened, measured):
    async with opened(MARK="1") as pilot:
        await pilot.press("ctrl+t")
        assert "measuring, " in await shown(pilot)
        measured.go.set()
        screen = await shown(pilot)
        assert "speed    2.40 it/s (p90 2.20)" in screen and "1:00:00, tests included" in screen
        assert "device cpu: x86_64" in screen
        await type_in(pilot, "ways", "4")
        assert "^t measures speed" in await shown(pilot), "this was measured of another configuration"
        await type_in(pilot, "ways", "5")
        assert "speed    2.40 it/s" in await shown(pilot)
    ((question, environment),) = measured.questions
    assert question.config["task"]["ways"] == 5 and environment["MARK"] == "1"


@pytest.mark.parametrize("away", [("ctrl+t",), ("f1", "escape", "ctrl+t"), ("3",), ("tab", "tab", "4")])
@asynchronous
async def test_measuring_is_called_off(opened, measured, away):
    async with opened() as pilot:
        await pilot.press("ctrl+t")
        await pilot.pause()
        for key in away[:-1]:
            await pilot.press(key)
        await pilot.pause()
        assert measured.cancelled == 0
        await pilot.press(away[-1])
        await pilot.pause()
    assert measured.cancelled == 1


@asynchronous
async def test_a_failed_measurement_is_told(opened, measured):
    measured.answer = ResourceError("out of memory: lower meta_batch_size")
    async with opened() as pilot:
        await pilot.press("ctrl+t")
        await pilot.pause()
        measured.go.set()
        assert "out of memory: lower" in await shown(pilot)


@asynchronous
async def test_nothing_is_measured_while_something_is_wrong(opened, measured):
    async with opened() as pilot:
        await type_in(pilot, "seed", "x")
        await pilot.press("ctrl+o", "ctrl+t")
        await pilot.pause()
        assert here(pilot) == "seed" and measured.questions == []


async def save_as(pilot, name):
    await pilot.press("f2")
    await pilot.pause()
    await pilot.press(*name, "enter")
    await pilot.pause()


@asynchronous
async def test_saving_replacing_and_deleting_a_preset_of_ones_own(opened, home):
    file = home / "config" / "presets" / "mine.toml"
    async with opened() as pilot:
        await type_in(pilot, "seed", "5")
        await save_as(pilot, "mine")
        screen = await shown(pilot)
        assert own_presets() == [file] and "seed = 5" in file.read_text()
        assert "Yours" in screen and "● mine" in screen and "exactly mine" in screen
        await type_in(pilot, "seed", "6")
        await save_as(pilot, "mine")
        assert isinstance(pilot.app.screen, ConfirmDialog)
        await pilot.press("n")
        assert "seed = 5" in file.read_text()
        await save_as(pilot, "mine")
        await pilot.press("y")
        await pilot.pause()
        assert "seed = 6" in file.read_text() and "exactly mine" in await shown(pilot)
        await choose(pilot, "mine")
        await pilot.press("delete", "n")
        assert own_presets() == [file]
        await pilot.press("delete", "y")
        await pilot.pause()
        screen = await shown(pilot)
        assert own_presets() == [] and "exactly preset smoke" in screen
        assert "nothing fits" in screen and "Delete" not in screen
        await pilot.press("escape")
        screen = await shown(pilot)
        assert "● smoke" in screen and "mine" not in screen and "/ filter" in screen


@asynchronous
async def test_shipped_presets_cannot_be_deleted(opened):
    async with opened() as pilot:
        await shown(pilot)
        await pilot.press("ctrl+o", "delete")
        assert isinstance(pilot.app.screen, setup.SetupPage)


@asynchronous
async def test_what_is_wrong_is_not_saved(opened):
    async with opened() as pilot:
        await type_in(pilot, "seed", "x")
        await pilot.press("ctrl+o", "f2")
        assert isinstance(pilot.app.screen, setup.SetupPage) and here(pilot) == "seed"


@asynchronous
async def test_a_damaged_preset_is_told_and_changes_nothing(opened, home):
    folder = home / "config" / "presets"
    folder.mkdir(parents=True)
    (folder / "bad.toml").write_text("[task]\nwayss = 3\n")
    async with opened() as pilot:
        await choose(pilot, "bad")
        assert "did you mean ways" in told(pilot)
        assert "exactly preset smoke" in await shown(pilot)


@asynchronous
async def test_a_small_window_has_it_all_behind_tabs_and_in_two_lines(opened):
    async with opened((80, 24)) as pilot:
        screen = await shown(pilot)
        assert "Ready-made: smoke" in screen and "ways N" in screen and "meta lr" not in screen
        assert "ready: maml train smoke" in screen and "^t measures speed" in screen
        await type_in(pilot, "ways", "1")
        tabs = pilot.app.screen.query_one(Tabs)
        tabs.focus()
        await pilot.press("right")
        screen = await shown(pilot)
        assert "meta lr" in screen and "Task ✗1" in screen and "1 field is wrong" in screen
        await pilot.press("ctrl+n")
        await pilot.pause()
        assert here(pilot) == "ways" and "ways N" in await shown(pilot)


@asynchronous
async def test_in_a_small_window_presets_open_from_one_line(opened):
    async with opened((80, 24)) as pilot:
        await shown(pilot)
        await pilot.press("ctrl+o", "down", "enter")
        await pilot.pause()
        assert "maml train strokes-5w1s" in await shown(pilot)
        await pilot.press("ctrl+o", "home", "enter")
        await pilot.pause()
        line = pilot.app.screen._presets._line
        assert "maml train strokes-5w1s" in await shown(pilot) and line.value is not Select.NULL


@asynchronous
async def test_every_control_is_in_reach_in_a_small_window(opened):
    async with opened((60, 15)) as pilot:
        await shown(pilot)
        page, reached = pilot.app.screen, set()
        for group in range(3):
            page.query_one(Tabs).focus()
            await pilot.press(*["right"] * (group > 0))
            await pilot.pause()
            for row in [row for row in page.query(FieldRow) if row.control in page.focus_chain]:
                row.control.focus()
                await pilot.pause()
                assert page._form.region.contains_region(row.control.region), row.field.name
                reached.add(row.field.name)
        assert reached == {row.field.name for row in page.query(FieldRow) if row.display}


@pytest.mark.parametrize("size", SIZES)
@asynchronous
async def test_every_size_is_weathered(opened, size):
    async with opened() as pilot:
        await shown(pilot)
        await pilot.resize_terminal(*size)
        lines = (await shown(pilot)).splitlines()
        assert len(lines) == size[1]
        if size == (30, 6):
            assert "Enlarge to 31 x 8 or more." in lines[0]


@asynchronous
async def test_a_switch_tells_its_state_in_a_word(opened):
    async with opened() as pilot:
        control(pilot, "rotations").focus()
        await pilot.pause()
        await pilot.press("space")
        assert "* rotate classes   yes" in await shown(pilot)
        assert isinstance(control(pilot, "rotations"), Switch)


@asynchronous
async def test_without_unicode_the_marks_are_plain(opened):
    async with opened(charset="ascii") as pilot:
        await type_in(pilot, "seed", "x")
        screen = await shown(pilot)
        assert "x seed" in screen and "* smoke" in screen and "+ strokes needs no data" in screen


@asynchronous
async def test_an_idle_page_paints_nothing(opened, monkeypatch):
    async with opened() as pilot:
        await shown(pilot)
        await shown(pilot)
        painted = []
        display = MamlApp._display
        monkeypatch.setattr(
            MamlApp,
            "_display",
            lambda self, screen, thing: (painted.append(thing), display(self, screen, thing)),
        )
        for _ in range(3):
            await shown(pilot)
        assert painted == []


@asynchronous
async def test_gpus_that_the_driver_shows_can_be_chosen(opened):
    async with opened(CUDA_VISIBLE_DEVICES="0,1") as pilot:
        control(pilot, "device").value = "cuda:1"
        await pilot.pause()
        screen = await shown(pilot)
        assert "--device cuda:1" in screen and "✓ device cuda:1; 2 GPUs" in screen


@asynchronous
async def test_an_unknown_device_from_the_environment_is_told(opened):
    async with opened(MAML_DEVICE="toaster") as pilot:
        assert "'toaster' is no device" in await shown(pilot)


@asynchronous
async def test_a_draft_that_lags_behind_leaves_what_is_typed_alone(opened):
    async with opened() as pilot:
        await type_in(pilot, "name", "ab")
        pilot.app.screen.post_message(FieldRow.Edited("name", "a"))  # as if it was checked only now
        await pilot.pause()
        assert pilot.app.screen._state.draft.name == "a" and control(pilot, "name").value == "ab"
