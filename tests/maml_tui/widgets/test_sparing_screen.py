from __future__ import annotations

import pytest
from app_driver import started
from rich.segment import Segment
from screens import RecordedApp
from textual.containers import Horizontal
from textual.geometry import Region
from textual.screen import Screen
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import Static

from maml_tui.widgets.sparing_screen import SparingScreen


class Lines(Widget):
    """Lines of text, wide characters among them."""

    def __init__(self):
        super().__init__()
        self.lines = ["中文字 left to right"] * 4

    def render_line(self, y):
        text = self.lines[y] if y < len(self.lines) else ""
        return Strip([Segment(text)]).adjust_cell_length(self.size.width)


class Window(RecordedApp):
    CSS = "Horizontal { height: 4; } Static { width: 8; }"

    def compose(self):
        with Horizontal():
            yield Static("one\ntwo")
            yield Lines()
            yield Static("end")


async def after(screen_type, change):
    """Return the terminal's screen after a change, and the bytes that the change cost."""
    app = Window(screen_type)
    async with started(app, (48, 6)) as pilot:
        before = len(app.sent)
        change(app)
        await pilot.pause()
        return app.terminal(), len(app.sent[before:].encode())


def end_of_a_line(app):
    lines = app.query_one(Lines)
    lines.lines[1] = "中文字 left to RIGHT"
    lines.refresh(Region(15, 1, 5, 1))


def half_of_a_wide_character(app):
    lines = app.query_one(Lines)
    lines.lines[2] = "中京字 left to right"
    lines.refresh(Region(2, 2, 2, 1), Region(8, 2, 3, 1))


def another_widget(app):
    app.query(Static).last().update("END\nnew")


def everything(app):
    app.screen.refresh()


@pytest.mark.parametrize("change", [end_of_a_line, half_of_a_wide_character, another_widget, everything])
async def test_the_screen_is_what_it_would_be_otherwise(change):
    sparing, usual = [(await after(kind, change))[0] for kind in (SparingScreen, Screen)]
    assert sparing.buffer == usual.buffer


async def test_only_what_changed_is_sent():
    sparing, usual = [(await after(kind, end_of_a_line))[1] for kind in (SparingScreen, Screen)]
    assert sparing < usual


async def test_the_place_of_a_widget_that_went_is_painted_even_if_places_were_looked_up_before_the_layout():
    dirty = []

    def hide_look_up_and_lay_out(app):
        compositor, gone = app.screen._compositor, app.query(Static).first()
        place = gone.region
        gone.display = False
        compositor._full_map_invalidated = True  # as after any layout
        compositor._dirty_regions.clear()
        assert gone not in compositor.full_map  # looked up, as by any question for a region
        compositor.reflow(app.screen, app.screen.size)
        dirty.append(place in compositor._dirty_regions)

    await after(SparingScreen, hide_look_up_and_lay_out)
    assert dirty == [True]
