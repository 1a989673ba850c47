"""Presets on the Setup page: found, loaded, saved, deleted."""

from __future__ import annotations

from app_driver import notifications, settled
from setup_form import choose, control, focused_field, type_in
from textual.widgets import Select

from maml_tui.pages.setup import screen as setup
from maml_tui.pages.setup.templates import own_presets
from maml_tui.widgets.dialogs import ConfirmDialog


async def test_presets_are_found_and_loaded_and_keep_what_was_typed(opened):
    async with opened(MAML_DEVICE="cpu") as pilot:
        await type_in(pilot, "seed", "5")
        await choose(pilot, "papers 20w1s")
        screen = await settled(pilot)
        assert "● omniglot-20w1s" in screen and "smoke" not in screen
        assert "95.8 ± 0.3 %" in screen and "maml train omniglot-20w1s" in screen and "--device cpu" in screen
        await choose(pilot, "smoke")
        assert control(pilot, "seed").value == "5"
        await choose(pilot, "smoke")
        assert control(pilot, "seed").value == "0", "loading again what is loaded starts afresh"


async def save_as(pilot, name):
    await pilot.press("f2")
    await pilot.pause()
    await pilot.press(*name, "enter")
    await pilot.pause()


async def test_saving_replacing_and_deleting_a_preset_of_ones_own(opened, home):
    file = home / "config" / "presets" / "mine.toml"
    async with opened() as pilot:
        await type_in(pilot, "seed", "5")
        await save_as(pilot, "mine")
        screen = await settled(pilot)
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
        assert "seed = 6" in file.read_text() and "exactly mine" in await settled(pilot)
        await choose(pilot, "mine")
        await pilot.press("delete", "n")
        assert own_presets() == [file]
        await pilot.press("delete", "y")
        await pilot.pause()
        screen = await settled(pilot)
        assert own_presets() == [] and "exactly preset smoke" in screen
        assert "nothing fits" in screen and "Delete" not in screen
        await pilot.press("escape")
        screen = await settled(pilot)
        assert "● smoke" in screen and "mine" not in screen and "/ filter" in screen


async def test_shipped_presets_cannot_be_deleted(opened):
    async with opened() as pilot:
        await settled(pilot)
        await pilot.press("ctrl+o", "delete")
        assert isinstance(pilot.app.screen, setup.SetupPage)


async def test_what_is_wrong_is_not_saved(opened):
    async with opened() as pilot:
        await type_in(pilot, "seed", "x")
        await pilot.press("ctrl+o", "f2")
        assert isinstance(pilot.app.screen, setup.SetupPage) and focused_field(pilot) == "seed"


async def test_a_damaged_preset_is_told_and_changes_nothing(opened, home):
    folder = home / "config" / "presets"
    folder.mkdir(parents=True)
    (folder / "bad.toml").write_text("[task]\nwayss = 3\n")
    async with opened() as pilot:
        await choose(pilot, "bad")
        assert "did you mean ways" in notifications(pilot)[-1]
        assert "exactly preset smoke" in await settled(pilot)


async def test_in_a_small_window_presets_open_from_one_line(opened):
    async with opened((80, 24)) as pilot:
        await settled(pilot)
        await pilot.press("ctrl+o", "down", "enter")
        await pilot.pause()
        assert "maml train strokes-5w1s" in await settled(pilot)
        await pilot.press("ctrl+o", "home", "enter")
        await pilot.pause()
        line = pilot.app.screen._presets._line
        assert "maml train strokes-5w1s" in await settled(pilot) and line.value is not Select.NULL
