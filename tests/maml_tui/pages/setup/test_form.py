"""The form of the Setup page: what a field says, and what becomes of what is typed."""

from __future__ import annotations

from app_driver import settled
from setup_form import control, focused_field, type_in

from engine.runs.index import list_runs
from maml_tui.pages.setup.form import FieldRow, Switch


async def test_a_bad_value_is_told_and_led_to(opened, started):
    async with opened() as pilot:
        await type_in(pilot, "meta_lr", "o.1")
        await type_in(pilot, "ways", "1")
        screen = await settled(pilot)
        assert "meta_lr = 'o.1': must be a valid number" in screen
        assert "ways = 1: must be greater than or equal to 2" in screen
        assert "✗ ways N" in screen and "✗ meta lr" in screen and "✗ 2 fields are wrong" in screen
        assert "MAML ✗1" in screen
        await pilot.press("ctrl+o", "ctrl+n")
        assert focused_field(pilot) == "ways"
        await pilot.press("ctrl+n")
        assert focused_field(pilot) == "meta_lr"
        await pilot.press("ctrl+n")
        assert focused_field(pilot) == "ways"
        await pilot.press("ctrl+s")
        assert (focused_field(pilot), started.workers, list_runs()) == ("meta_lr", [], [])
        await type_in(pilot, "ways", "4")
        await type_in(pilot, "meta_lr", "0.1")
        screen = await settled(pilot)
        assert "✗" not in screen and "* ways N" in screen and "ways N 4 (5)" in screen


async def test_the_field_in_focus_is_explained(opened):
    async with opened() as pilot:
        control(pilot, "inner_lr").focus()
        assert "Step size alpha of the inner loop. (> 0, ≤ 100)" in await settled(pilot)


async def test_an_explanation_that_does_not_fit_says_so(opened):
    async with opened() as pilot:
        control(pilot, "algorithm").focus()
        screen = await settled(pilot)
        assert "maml differentiates" in screen and " the mean of each class." not in screen and " …" in screen
        await pilot.resize_terminal(119, 32)
        assert "fomaml is" in await settled(pilot)
        await pilot.resize_terminal(60, 10)
        assert "the inner steps (second …" in await settled(pilot)


async def test_options_without_effect_are_hidden(opened):
    async with opened() as pilot:
        control(pilot, "data").value = "sinusoid"
        await pilot.pause()
        screen = await settled(pilot)
        assert "network = conv4-stride does not fit data = sinusoid" in screen
        assert "amplitude A" in screen and "ways N" not in screen
        await pilot.press("ctrl+n")
        assert focused_field(pilot) == "network"
        control(pilot, "network").value = "mlp"
        await pilot.pause()
        screen = await settled(pilot)
        assert "hidden layers" in screen and "filters" not in screen and "✗" not in screen


async def test_only_the_splits_of_the_chosen_data_are_offered(opened):
    async with opened() as pilot:
        control(pilot, "data").value = "miniimagenet"
        await settled(pilot)
        offered = [value for _, value in control(pilot, "class_split")._options]
        assert offered == ["64-16-20", "64-12-24"]


async def test_a_switch_tells_its_state_in_a_word(opened):
    async with opened() as pilot:
        control(pilot, "rotations").focus()
        await pilot.pause()
        await pilot.press("space")
        assert "* rotate classes   yes" in await settled(pilot)
        assert isinstance(control(pilot, "rotations"), Switch)


async def test_a_draft_that_lags_behind_leaves_what_is_typed_alone(opened):
    async with opened() as pilot:
        await type_in(pilot, "name", "ab")
        pilot.app.screen.post_message(FieldRow.Edited("name", "a"))  # as if it was checked only now
        await pilot.pause()
        assert pilot.app.screen._state.draft.name == "a" and control(pilot, "name").value == "ab"
