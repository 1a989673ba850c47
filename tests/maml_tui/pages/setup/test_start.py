"""Starting a run from the Setup page, as the shown command does, and the estimate of its costs."""

from __future__ import annotations

import shlex

import pytest
from app_driver import notifications, settled
from setup_form import choose, control, focused_field, type_in
from textual.widgets import Input

from engine.config.record import read_record
from engine.errors import ResourceError
from engine.runs.index import list_runs
from maml_tui.cli import run as run_command_line
from maml_tui.cli import train


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


async def test_missing_data_start_nothing(opened, started):
    async with opened() as pilot:
        await choose(pilot, "omniglot-5w1s")
        assert "✗ the data set 'omniglot'" in await settled(pilot)
        await pilot.press("ctrl+s")
        await pilot.pause()
        assert "omniglot" in notifications(pilot)[-1]
    assert (started.workers, list_runs()) == ([], [])


async def test_a_window_that_only_watches_starts_nothing(opened, started):
    async with opened(readonly=True) as pilot:
        await pilot.press("ctrl+s")
        await pilot.pause()
        assert "--readonly" in notifications(pilot)[-1]
    assert started.workers == []


async def test_a_run_can_be_started_again(opened, started):
    async with opened() as pilot:
        await type_in(pilot, "seed", "5")
        await pilot.press("ctrl+s")
        ((run, _),) = started.workers
        pilot.app.screen.on_screen_resume()
        await choose(pilot, run.id)
        assert "seed 5 (0)" in await settled(pilot)


async def test_measuring(opened, measured):
    async with opened(MARK="1") as pilot:
        await pilot.press("ctrl+t")
        assert "measuring, " in await settled(pilot)
        measured.go.set()
        screen = await settled(pilot)
        assert "speed    2.40 it/s (p90 2.20)" in screen and "1:00:00, tests included" in screen
        assert "device cpu: x86_64" in screen
        await type_in(pilot, "ways", "4")
        assert "^t measures speed" in await settled(pilot), "this was measured of another configuration"
        await type_in(pilot, "ways", "5")
        assert "speed    2.40 it/s" in await settled(pilot)
    ((question, environment),) = measured.questions
    assert question.config["task"]["ways"] == 5 and environment["MARK"] == "1"


@pytest.mark.parametrize("away", [("ctrl+t",), ("f1", "escape", "ctrl+t"), ("3",), ("tab", "tab", "4")])
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


async def test_a_failed_measurement_is_told(opened, measured):
    measured.answer = ResourceError("out of memory: lower meta_batch_size")
    async with opened() as pilot:
        await pilot.press("ctrl+t")
        await pilot.pause()
        measured.go.set()
        assert "out of memory: lower" in await settled(pilot)


async def test_nothing_is_measured_while_something_is_wrong(opened, measured):
    async with opened() as pilot:
        await type_in(pilot, "seed", "x")
        await pilot.press("ctrl+o", "ctrl+t")
        await pilot.pause()
        assert focused_field(pilot) == "seed" and measured.questions == []


async def test_gpus_that_the_driver_shows_can_be_chosen(opened):
    async with opened(CUDA_VISIBLE_DEVICES="0,1") as pilot:
        control(pilot, "device").value = "cuda:1"
        await pilot.pause()
        screen = await settled(pilot)
        assert "--device cuda:1" in screen and "✓ device cuda:1; 2 GPUs" in screen


async def test_an_unknown_device_from_the_environment_is_told(opened):
    async with opened(MAML_DEVICE="toaster") as pilot:
        assert "'toaster' is no device" in await settled(pilot)
