"""The list of runs: what it shows, the cursor, the filter, every size."""

from __future__ import annotations

import pytest
from app_driver import SIZES, notifications, press, problems, settled
from run_folders import change_status
from textual.widgets import Input

from engine.runs.checkpoints import save_checkpoint
from engine.runs.directory import RunDirectory
from engine.runs.status import Status
from maml_tui.pages.runs.run_list import RunList
from maml_tui.runs.listing import Library, RunFacts, arrange


def listed(pilot):
    return [facts.run for facts in pilot.app.screen.query_one(RunList)._listing.rows]


def current(pilot):
    return pilot.app.screen.query_one(RunList).current.run


async def test_without_runs_it_says_how_to_start_one(opened):
    async with opened() as pilot:
        assert "maml train smoke" in await settled(pilot)
        for key in ("enter", "space", "r", "X", "d", "t", "n", "D", "Y", "j", "G", "S"):
            await pilot.press(key)
        assert "No runs yet" in await settled(pilot)
        assert len(set(problems(pilot))) == 2, "there is no run, and a comparison needs two"


async def test_runs_are_listed_the_newest_first_and_one_is_told_of(opened, three):
    save_checkpoint(three[0], 40, b"x", ["latest"])
    async with opened() as pilot:
        screen = await settled(pilot)
        assert listed(pilot) == three[::-1]
        assert screen.index("third") < screen.index("second") < screen.index("first")
        assert "Runs · 3 · sorted: newest" in screen and "● running" in screen
        assert f"{three[2].id} running · enter watches it" in screen
        screen = await press(pilot, "j", "j")
        assert f"{three[0].id} lost · r resumes from iteration 40 · gone" in screen
        assert str(three[0].path) in screen


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        (["down"], 1),
        (["j", "j", "k"], 1),
        (["G"], 2),
        (["end", "home"], 0),
        (["G", "g"], 0),
        (["pagedown"], 2),
        (["pagedown", "pageup"], 0),
        (["up"], 0),
        (["down", "down", "down", "down"], 2),
    ],
)
async def test_the_cursor_is_moved(opened, three, keys, expected):
    async with opened() as pilot:
        await settled(pilot)
        await press(pilot, *keys)
        assert current(pilot) == three[::-1][expected]


async def test_cursor_and_letters_stay_with_their_runs_when_rows_move(opened, three, new_run):
    async with opened() as pilot:
        await settled(pilot)
        await press(pilot, "j", "space")
        new_run("newer")
        screen = await settled(pilot)
        assert current(pilot) == three[1]
        assert f"A {three[1].id}" in screen
        assert len(listed(pilot)) == 4


async def test_when_the_run_under_the_cursor_vanishes_its_neighbour_is_next(opened, three):
    async with opened() as pilot:
        await settled(pilot)
        await press(pilot, "G")
        three[0].config.unlink()
        await settled(pilot)
        assert current(pilot) == three[1]


async def test_the_filter_works_while_it_is_typed(opened, three):
    async with opened() as pilot:
        await settled(pilot)
        screen = await press(pilot, "slash", *"state:", "l", "o", "s")
        assert "state:los: it is never los (did you mean lost?)" in screen
        assert listed(pilot) == three[::-1]
        screen = await press(pilot, "t")
        assert listed(pilot) == [three[0]] and "1 of 3" in screen and "did you mean" not in screen
        await press(pilot, "enter", "k")
        assert pilot.app.screen.query_one(Input).value == "state:lost"
        await press(pilot, "escape")
        assert listed(pilot) == three[::-1]
        assert not pilot.app.screen.query_one(Input).value


@pytest.mark.parametrize("size", [(60, 15), (30, 8)])
async def test_what_is_wrong_with_a_filter_can_be_read_to_its_end(opened, three, size):
    async with opened(size) as pilot:
        await settled(pilot)
        assert "93.5%" in await press(pilot, "slash", *"acc>=9x")


async def test_where_no_run_fits_it_says_so(opened, three):
    async with opened() as pilot:
        await settled(pilot)
        assert "No run is like that" in await press(pilot, "slash", *"zzz")
        await press(pilot, "escape", "j")
        assert current(pilot) == three[1]


async def test_the_cursor_moves_while_the_filter_is_typed(opened, three):
    async with opened() as pilot:
        await settled(pilot)
        await press(pilot, "slash", "r", "down")  # first and third
        assert (listed(pilot), current(pilot)) == ([three[2], three[0]], three[0])


async def test_sorting(opened, three):
    async with opened() as pilot:
        await settled(pilot)
        seen = [(await press(pilot, "S")).partition("sorted: ")[2].split()[0] for _ in range(6)]
        assert seen == ["state", "best", "name", "speed", "time", "newest"]
        await press(pilot, "S", "S", "S")
        assert listed(pilot) == three


async def test_what_did_not_change_is_not_painted_and_what_did_is_painted_alone(
    opened, elsewhere, new_run, monkeypatch
):
    run = new_run(**elsewhere, iteration=10, iterations=60)
    new_run("other")
    async with opened() as pilot:
        await settled(pilot)
        painted = []
        for kind in pilot.app.screen.walk_children():
            monkeypatch.setattr(kind, "refresh", lambda *regions, **_: painted.extend(regions or ["all"]))
        await settled(pilot)
        assert painted == []
        change_status(run, iteration=11, heartbeat=4e9 + 1)
        await settled(pilot)
        (region,) = painted
        assert (region.y, region.height, region.width) == (2, 1, 12)


async def test_words_from_outside_steer_nothing(opened, new_run):
    new_run("demo", state="failed", reason="\x1b[2J [b]bold[/b]", task="\x1b]0;x\x07")
    async with opened() as pilot:
        screen = await settled(pilot)
        assert r"\x1b[2J [b]bold[/b]" in screen
        assert "\x1b" not in screen and "\x07" not in screen


async def test_a_folder_that_cannot_be_read_is_told(opened, root):
    root.parent.mkdir()
    root.write_text("a file")
    async with opened() as pilot:
        await pilot.pause()
        await pilot.app._pulse()
        assert "Cannot read" in notifications(pilot)[0]


async def test_plain_terminals_get_plain_characters(opened, three):
    change_status(three[1], metric="accuracy", best=0.9, best_ci95=0.01, iteration=60, iterations=60)
    async with opened(charset="ascii", plain=True) as pilot:
        await settled(pilot)
        await press(pilot, "space")
        lines = (await settled(pilot)).splitlines()
        assert all(line.isascii() for line in lines)
        assert "* running" in lines[3] and "90.00 +-1.00 %" in lines[4]


@pytest.mark.parametrize("size", SIZES)
async def test_every_size_is_weathered(opened, three, size):
    async with opened(size) as pilot:
        await settled(pilot)
        await press(pilot, "space", "j", "slash", "r", "enter", "G", "S")
        await pilot.resize_terminal(*SIZES[0])
        assert "third" in await settled(pilot)
        await pilot.resize_terminal(*size)
        await settled(pilot)
        assert current(pilot) == three[0]


@pytest.mark.parametrize(
    ("size", "headings", "details"),
    [((120, 40), 9, 4), ((80, 24), 5, 2), ((60, 15), 4, 2), ((40, 10), 3, 0), ((30, 16), 3, 1)],
)
async def test_small_terminals_keep_the_essential(opened, three, size, headings, details):
    async with opened(size) as pilot:
        await settled(pilot)
        page = pilot.app.screen
        assert len(page.query_one(RunList)._columns) == headings
        detail = page.query_one("#detail")
        assert (detail.size.height if detail.display else 0) == details


async def test_ten_thousand_runs_cost_no_more_than_those_in_sight(opened, monkeypatch, tmp_path):
    status = Status(name="one", state="done", created=0.0, heartbeat=0.0)
    many = [RunFacts(RunDirectory(tmp_path / f"{n:08x}"), status) for n in range(10_000)]
    monkeypatch.setattr(Library, "read", lambda self: many)
    async with opened() as pilot:
        await settled(pilot)
        table = pilot.app.screen.query_one(RunList)
        made = []
        column = next(column for column in table._columns if column.heading == "id")
        monkeypatch.setattr(type(column), "fit", lambda self, text: made.append(text) or text)
        table.show(arrange(many, many, "name", 0.0), ())
        assert 0 < len(made) <= len(table._columns) * table.size.height
        await press(pilot, "G")
        assert current(pilot) == many[0].run
        assert table.scroll_offset.y == 10_000 - table.page
