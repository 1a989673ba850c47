from __future__ import annotations

from contextlib import asynccontextmanager
from types import SimpleNamespace

import pytest
from app_driver import started
from screens import screen_rows
from textual.app import App

from maml_tui.pages.train.pane import Pane
from maml_tui.pages.train.scene import Panel
from maml_tui.plotting import Charset


class Showing(App[None]):
    """One pane that shows the lines it is given."""

    def __init__(self, framed):
        super().__init__()
        self.pane = Pane(lambda scene, *_: Panel("Title", scene.lines), framed=framed, id="pane")
        self.painted = []

    def compose(self):
        yield self.pane

    def show(self, *lines, charset=Charset.UNICODE):
        self.pane.show(SimpleNamespace(lines=[((line, ""),) for line in lines], charset=charset))

    @property
    def rows(self):
        return [row.rstrip() for row in screen_rows(self)]


@asynccontextmanager
async def showing(framed=True):
    app = Showing(framed)
    async with started(app, (20, 6)) as pilot:
        yield app, pilot


async def test_it_frames_its_lines():
    async with showing() as (app, pilot):
        app.show("one", "two")
        await pilot.pause()
        assert app.rows[0].startswith("┏━ Title ━") or app.rows[0].startswith("╭─ Title ─")
        assert [row.strip("│┃ ") for row in app.rows[1:3]] == ["one", "two"]


async def test_what_does_not_fit_can_be_scrolled_to():
    async with showing() as (app, pilot):
        app.show(*(f"{number} and a very long line" for number in range(9)))
        app.pane.focus()
        await pilot.press("G", *["l"] * 12)
        await pilot.pause()
        assert "long line" in app.rows[4]
        await pilot.press("g", *["h"] * 12)
        await pilot.pause()
        assert app.rows[1].strip("│┃ ").startswith("0 and a very")


async def test_a_line_that_goes_on_says_so_at_either_end():
    async with showing() as (app, pilot):
        app.show("as long as the pane", "x")
        await pilot.pause()
        assert [row.strip("│┃ ") for row in app.rows[1:3]] == ["as long as the …", "x"]
        await pilot.press("l", "l")
        await pilot.pause()
        assert [row.strip("│┃ ") for row in app.rows[1:3]] == ["…long as the pa…", ""]
        await pilot.press("end", *["l"] * 9)
        await pilot.pause()
        assert app.rows[1].strip("│┃ ") == "…ong as the pane"


async def test_the_sign_stands_beside_the_scrollbar():
    async with showing() as (app, pilot):
        app.show("as long as the pane")
        await pilot.pause()
        app.show(*["as long as the pane"] * 9)
        await pilot.pause()
        assert [row[2:18] for row in app.rows[1:5]] == ["as long as the …"] * 4


@pytest.mark.parametrize("framed", [True, False])
async def test_the_sign_comes_and_goes_with_what_follows(framed):
    async with showing(framed) as (app, pilot):
        width = app.pane.scrollable_content_region.width
        for line in ("a" * width, "a" * (width + 1), "a" * width):
            app.show(line)
            await pilot.pause()
            painted = app.rows[framed].strip("│┃ ")
            assert painted == (line if len(line) == width else "a" * (width - 1) + "…")


@pytest.mark.parametrize(
    ("before", "after", "columns"),
    [
        ("iteration 12 of 60", "iteration 13 of 60", (11, 12)),
        ("iteration 9", "iteration 10", (10, 12)),
        ("longer line", "longer", (6, 11)),
        ("", "new", (0, 3)),
        ("a", "中", (0, 2)),
    ],
)
async def test_of_a_line_only_what_changed_is_painted(before, after, columns):
    async with showing(framed=False) as (app, pilot):
        app.show(before)
        await pilot.pause()
        painted = []
        app.pane.refresh = lambda *regions, **_: painted.extend(regions)
        app.show(after)
        assert [(region.x, region.right, region.y) for region in painted] == [(*columns, 0)]
        app.show(after)
        assert len(painted) == 1


async def test_lines_without_a_frame_are_no_place_for_the_focus():
    async with showing(framed=False) as (app, pilot):
        app.show("one")
        await pilot.press("tab")
        assert app.focused is None
