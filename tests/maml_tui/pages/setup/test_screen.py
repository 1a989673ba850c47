"""The Setup page as a whole, at every size."""

from __future__ import annotations

import pytest
from app_driver import settled
from setup_form import control, focused_field, type_in
from textual.widgets import Tabs

from maml_tui.app.app import MamlApp
from maml_tui.pages.setup.form import FieldRow

SIZES = [(120, 40), (119, 32), (80, 24), (60, 15), (45, 10), (30, 6), (12, 2), (1, 1), (200, 60)]


async def test_it_opens_on_a_preset_that_works_at_once(opened):
    async with opened() as pilot:
        screen = await settled(pilot)
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


async def test_the_field_in_focus_and_the_keys_stay_when_the_window_changes(opened):
    async with opened() as pilot:
        control(pilot, "inner_lr").focus()
        await pilot.resize_terminal(80, 24)
        screen = await settled(pilot)
        assert "inner lr" in screen and "ways N" not in screen and focused_field(pilot) == "inner_lr"
        pilot.app.screen.set_focus(None)
        assert "Filter" not in await settled(pilot)
        await pilot.resize_terminal(120, 40)
        assert "/ Filter" in await settled(pilot)


async def test_a_small_window_has_it_all_behind_tabs_and_in_two_lines(opened):
    async with opened((80, 24)) as pilot:
        screen = await settled(pilot)
        assert "Ready-made: smoke" in screen and "ways N" in screen and "meta lr" not in screen
        assert "ready: maml train smoke" in screen and "^t measures speed" in screen
        await type_in(pilot, "ways", "1")
        tabs = pilot.app.screen.query_one(Tabs)
        tabs.focus()
        await pilot.press("right")
        screen = await settled(pilot)
        assert "meta lr" in screen and "Task ✗1" in screen and "1 field is wrong" in screen
        await pilot.press("ctrl+n")
        await pilot.pause()
        assert focused_field(pilot) == "ways" and "ways N" in await settled(pilot)


async def test_every_control_is_in_reach_in_a_small_window(opened):
    async with opened((60, 15)) as pilot:
        await settled(pilot)
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
async def test_every_size_is_weathered(opened, size):
    async with opened() as pilot:
        await settled(pilot)
        await pilot.resize_terminal(*size)
        lines = (await settled(pilot)).splitlines()
        assert len(lines) == size[1]
        if size == (30, 6):
            assert "Enlarge to 31 x 8 or more." in lines[0]


async def test_without_unicode_the_marks_are_plain(opened):
    async with opened(charset="ascii") as pilot:
        await type_in(pilot, "seed", "x")
        screen = await settled(pilot)
        assert "x seed" in screen and "* smoke" in screen and "+ strokes needs no data" in screen


async def test_an_idle_page_paints_nothing(opened, monkeypatch):
    async with opened() as pilot:
        await settled(pilot)
        await settled(pilot)
        painted = []
        display = MamlApp._display
        monkeypatch.setattr(
            MamlApp,
            "_display",
            lambda self, screen, thing: (painted.append(thing), display(self, screen, thing)),
        )
        for _ in range(3):
            await settled(pilot)
        assert painted == []
