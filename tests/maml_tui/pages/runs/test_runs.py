"""The Runs page on real folders, without a worker."""

from __future__ import annotations

import asyncio
import functools
from types import SimpleNamespace

import pytest
from textual.widgets import Input

from engine.config.presets import load_preset
from engine.config.record import RunRecord
from engine.runs.checkpoints import save_checkpoint
from engine.runs.directory import RunDirectory, create_run
from engine.runs.events import RequestEvent
from engine.runs.index import list_runs
from engine.runs.journal import EventWriter
from engine.runs.repair import STATUS_REBUILT
from engine.runs.requests import acknowledge, pending
from engine.runs.status import Status, read_status, write_status
from engine.runs.tags import read_tags, write_tags
from maml_tui.app.app import MamlApp
from maml_tui.app.settings import Settings
from maml_tui.app.terminal import Terminal
from maml_tui.pages.runs.run_list import RunList
from maml_tui.runs.listing import Library, RunFacts, arrange
from maml_tui.runs.watch import RunWatch

LIVE = {"state": "running", "host": "elsewhere", "heartbeat": 4e9, "pid": 1, "process_start": 1.0}
SIZES = [(120, 40), (80, 24), (60, 15), (30, 6), (30, 3), (12, 2), (1, 1), (200, 60)]


def asynchronous(test):
    """Let a coroutine be a test."""

    @functools.wraps(test)
    def run(*args, **kwargs):
        asyncio.run(test(*args, **kwargs))

    return run


@pytest.fixture(autouse=True)
def _home(tmp_path, monkeypatch):
    monkeypatch.setenv("MAML_STATE_DIR", str(tmp_path))


@pytest.fixture
def new_run():
    """Return `new_run(name, **status)`, each newer than the one before."""
    clock = iter(range(1_700_000_000, 1_800_000_000, 60))

    def make(name="demo", **status):
        record = RunRecord(load_preset("smoke").resolved(), name)
        run = create_run(name, record.to_toml, clock=lambda: float(next(clock)))
        change(run, **{"state": "done", **status})
        return run

    return make


@pytest.fixture
def three(new_run):
    """Three runs, from the oldest to the newest, so listed the other way round."""
    return [new_run("first", state="lost", reason="gone."), new_run("second"), new_run("third", **LIVE)]


@pytest.fixture
def opened(monkeypatch):
    """Return `opened(size, ...)`: the application on its Runs page, with no pulse but the tests' own."""
    monkeypatch.setattr(MamlApp, "on_mount", lambda self: self.show("runs"))
    monkeypatch.setattr(MamlApp, "_begin", lambda self: None)

    def open_at(size=(120, 40), charset="unicode", plain=False, readonly=False):
        settings = Settings.model_validate({"interface": {"charset": charset}})
        app = MamlApp(settings, Terminal(plain, False, True), {"MARK": "1"}, readonly=readonly)
        return app.run_test(size=size)

    return open_at


def change(run, **status):
    write_status(run, read_status(run).model_copy(update=status))


async def settled(pilot):
    """Let the page catch up with the disk and with itself; return what can be read on the screen."""
    await pilot.pause()
    page = next(screen for screen in pilot.app.screen_stack if screen.id != "_default")
    if hasattr(page, "_due"):
        page._due = 0.0
        await pilot.app._pulse()
    await pilot.app.workers.wait_for_complete()
    await pilot.pause()
    strips = pilot.app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip) for strip in strips)


async def press(pilot, *keys):
    await pilot.press(*keys)
    return await settled(pilot)


def listed(pilot):
    return [facts.run for facts in pilot.app.screen.query_one(RunList)._listing.rows]


def current(pilot):
    return pilot.app.screen.query_one(RunList).current.run


def told(pilot):
    return [notification.message for notification in pilot.app._notifications]


@asynchronous
async def test_without_runs_it_says_how_to_start_one(opened):
    async with opened() as pilot:
        assert "maml train smoke" in await settled(pilot)
        for key in ("enter", "space", "r", "X", "d", "t", "n", "D", "Y", "j", "G", "S"):
            await pilot.press(key)
        assert "No runs yet" in await settled(pilot)
        assert set(told(pilot)) == {
            "there is no run here",
            "a comparison needs two runs: select them with space",
        }


@asynchronous
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
@asynchronous
async def test_the_cursor_is_moved(opened, three, keys, expected):
    async with opened() as pilot:
        await settled(pilot)
        await press(pilot, *keys)
        assert current(pilot) == three[::-1][expected]


@asynchronous
async def test_cursor_and_letters_stay_with_their_runs_when_rows_move(opened, three, new_run):
    async with opened() as pilot:
        await settled(pilot)
        await press(pilot, "j", "space")
        new_run("newer")
        screen = await settled(pilot)
        assert current(pilot) == three[1]
        assert f"A {three[1].id}" in screen
        assert len(listed(pilot)) == 4


@asynchronous
async def test_when_the_run_under_the_cursor_vanishes_its_neighbour_is_next(opened, three):
    async with opened() as pilot:
        await settled(pilot)
        await press(pilot, "G")
        three[0].config.unlink()
        await settled(pilot)
        assert current(pilot) == three[1]


@asynchronous
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
@asynchronous
async def test_what_is_wrong_with_a_filter_can_be_read_to_its_end(opened, three, size):
    async with opened(size) as pilot:
        await settled(pilot)
        assert "93.5%" in await press(pilot, "slash", *"acc>=9x")


@asynchronous
async def test_where_no_run_fits_it_says_so(opened, three):
    async with opened() as pilot:
        await settled(pilot)
        assert "No run is like that" in await press(pilot, "slash", *"zzz")
        await press(pilot, "escape", "j")
        assert current(pilot) == three[1]


@asynchronous
async def test_the_cursor_moves_while_the_filter_is_typed(opened, three):
    async with opened() as pilot:
        await settled(pilot)
        await press(pilot, "slash", "r", "down")  # first and third
        assert (listed(pilot), current(pilot)) == ([three[2], three[0]], three[0])


@asynchronous
async def test_sorting(opened, three):
    async with opened() as pilot:
        await settled(pilot)
        seen = [(await press(pilot, "S")).partition("sorted: ")[2].split()[0] for _ in range(6)]
        assert seen == ["state", "best", "name", "speed", "time", "newest"]
        await press(pilot, "S", "S", "S")
        assert listed(pilot) == three


@asynchronous
async def test_enter_and_a_second_click_open_a_run(opened, three, monkeypatch):
    open_runs = []
    monkeypatch.setattr(MamlApp, "open_run", lambda self, run: open_runs.append(run))
    async with opened() as pilot:
        await settled(pilot)
        await press(pilot, "j", "enter")
        await pilot.click(RunList, offset=(9, 4), times=2)
        await settled(pilot)
        await pilot.click(RunList, offset=(9, 1))  # the headings
        assert open_runs == [three[1], three[0]]


@asynchronous
async def test_up_to_six_runs_are_selected(opened, new_run):
    runs = [new_run(f"run{n}") for n in range(7)][::-1]
    async with opened() as pilot:
        await settled(pilot)
        screen = await press(pilot, *["space", "j"] * 7)
        assert pilot.app.compare_runs == tuple(runs[:6])
        assert all(f"{letter} {run.id}" in screen for letter, run in zip("ABCDEF", runs, strict=False))
        assert told(pilot) == ["6 runs at most can be compared: take one back with space"]
        screen = await press(pilot, "g", "space")
        assert pilot.app.compare_runs == tuple(runs[1:6])
        assert f"A {runs[1].id}" in screen


@asynchronous
async def test_a_comparison_needs_two(opened, three, monkeypatch):
    shown = []
    async with opened() as pilot:
        await settled(pilot)
        monkeypatch.setattr(MamlApp, "show", lambda self, page: shown.append(page))
        await press(pilot, "d")
        await press(pilot, "space", "d")
        assert (shown, len(told(pilot))) == ([], 2)
        await press(pilot, "j", "d")
        assert (shown, pilot.app.compare_runs) == (["compare"], (three[2], three[1]))


@asynchronous
async def test_resuming(opened, new_run, monkeypatch):
    started = []

    class Worker:
        pid = 4711

        def __init__(self, run, environment):
            started.append((run, environment["MARK"]))

        def poll(self):
            return 1

    monkeypatch.setattr("engine.runs.control.start_worker", Worker)
    complete = new_run("complete", iteration=60, iterations=60)
    complete.result.write_text("{}")
    lost = new_run("lost", state="lost")
    lost.log.write_text("no such device\n")
    paused = new_run("paused", **{**LIVE, "state": "paused"})
    running = new_run("running", **LIVE)
    async with opened() as pilot:
        await settled(pilot)
        await press(pilot, "r")
        assert told(pilot)[-1] == f"run {running.id} is running: follow it with `maml attach {running.id}`"
        await press(pilot, "j", "r")
        assert [request.verb for request in pending(paused)] == ["resume"]
        await press(pilot, "j", "r")
        assert started == [(lost, "1")]
        assert told(pilot)[-2:] == [
            f"a worker for run {lost.id} is starting",
            f"run {lost.id}: the worker ended with exit status 1: no such device",
        ]
        await press(pilot, "j", "r")
        assert "nothing to resume" in told(pilot)[-1]


@asynchronous
async def test_a_damaged_status_is_told_of_and_rebuilt_by_resuming(opened, new_run, monkeypatch):
    started = []
    process = SimpleNamespace(pid=1, poll=lambda: None)
    monkeypatch.setattr(
        "engine.runs.control.start_worker", lambda run, environment: started.append(run) or process
    )
    run = new_run("hurt")
    run.status.write_text("{")
    async with opened() as pilot:
        assert "lost" in await settled(pilot)
        await press(pilot, "r")
        assert told(pilot) == [f"run {run.id}: {STATUS_REBUILT}", f"a worker for run {run.id} is starting"]
        assert "hurt" in await settled(pilot)
    assert started == [run]
    assert (read_status(run).name, read_status(run).state) == ("hurt", "lost")


@pytest.mark.parametrize(("outcome", "severity"), [("accepted", "information"), ("refused", "error")])
@asynchronous
async def test_the_answer_to_a_request_is_reported_on_whatever_page(opened, new_run, outcome, severity):
    paused = new_run("paused", **{**LIVE, "state": "paused"})
    async with opened() as pilot:
        await settled(pilot)
        await press(pilot, "r")
        (request,) = pending(paused)
        pilot.app.show("compare")
        with EventWriter(paused.events) as events:
            events.write(
                RequestEvent(verb="resume", id=request.id, outcome=outcome, reason="it is not paused")
            )
        acknowledge(request)
        await pilot.app._pulse()
        await pilot.pause()
        (reported,) = pilot.app._notifications
        assert paused.id in reported.message and reported.severity == severity
        assert ("it is not paused" in reported.message) is (outcome == "refused")
        assert pilot.app.pending == []


@asynchronous
async def test_stopping(opened, new_run, monkeypatch):
    killed = []
    monkeypatch.setattr("maml_tui.pages.run_control.kill_worker", killed.append)
    ended, live = new_run("ended"), new_run("live", **LIVE, iteration=60)
    async with opened() as pilot:
        await settled(pilot)
        assert f"Leave or stop run {live.id}?" in await press(pilot, "X")
        await press(pilot, "escape")
        assert pending(live) == []
        await press(pilot, "X", "n")
        assert [(request.verb, request.mode) for request in pending(live)] == [("stop", "now")]
        await press(pilot, "j", "X")
        assert f"run {ended.id} is done" in told(pilot)[-1]
        await press(pilot, "k")
        page = pilot.app.screen
        page._leave_or_stop(live, "kill")
        assert killed == [live]
        page._leave_or_stop(live, "detach")
        assert pilot.app.return_code == 0


@asynchronous
async def test_tags_and_notes(opened, new_run):
    run = new_run()
    write_tags(run, ["old"], "kept")
    async with opened() as pilot:
        await settled(pilot)
        assert "same: maml runs tag" in await press(pilot, "t")
        screen = await press(pilot, "end", "space", *"a/b", "enter")
        assert "cannot be a tag" in screen
        await press(pilot, "backspace", "backspace", "enter")
        assert (read_tags(run).tags, read_tags(run).note) == (("old", "a"), "kept")
        screen = await press(pilot, "n", "end", *" it", "enter")
        assert "tags: old, a · kept it" in screen
        await press(pilot, "t", "x", "escape")
        assert read_tags(run).tags == ("old", "a")


@asynchronous
async def test_deleting(opened, new_run):
    live, gone, stays = new_run("live", **LIVE), new_run("gone"), new_run("stays")
    async with opened() as pilot:
        await settled(pilot)
        pilot.app.compare_runs = (gone, stays)
        pilot.app.watched = RunWatch(gone)
        await press(pilot, "j", "j", "D")
        assert told(pilot) == [f"run {live.id} is live: stop it (X) before deleting it"]
        screen = await press(pilot, "k", "D")
        assert f"Delete run {gone.id} gone?" in screen and f"same: maml runs rm {gone.id}" in screen
        await press(pilot, "enter")
        assert len(list_runs()) == 3
        await press(pilot, "D", "y")
        assert {summary.run for summary in list_runs()} == {live, stays}
        assert listed(pilot) == [stays, live]
        assert (pilot.app.compare_runs, pilot.app.watched) == ((stays,), None)


@asynchronous
async def test_deleting_what_cannot_be_deleted_is_told(opened, three, monkeypatch):
    async with opened() as pilot:
        await settled(pilot)
        await press(pilot, "G", "D")
        change(three[0], **LIVE)
        await press(pilot, "y")
        assert told(pilot) == [f"Run {three[0].id} is live: stop it before removing it."]


@asynchronous
async def test_the_path_is_copied(opened, three):
    async with opened() as pilot:
        await settled(pilot)
        await press(pilot, "Y")
        assert pilot.app.clipboard == str(three[2].path)


@pytest.mark.parametrize("key", ["r", "X", "t", "n", "D"])
@asynchronous
async def test_a_read_only_window_changes_nothing(opened, three, key):
    async with opened(readonly=True) as pilot:
        await settled(pilot)
        await press(pilot, key)
        assert "read-only" in told(pilot)[-1]


@asynchronous
async def test_what_did_not_change_is_not_painted_and_what_did_is_painted_alone(opened, new_run, monkeypatch):
    run = new_run(**LIVE, iteration=10, iterations=60)
    new_run("other")
    async with opened() as pilot:
        await settled(pilot)
        painted = []
        for kind in pilot.app.screen.walk_children():
            monkeypatch.setattr(kind, "refresh", lambda *regions, **_: painted.extend(regions or ["all"]))
        await settled(pilot)
        assert painted == []
        change(run, iteration=11, heartbeat=4e9 + 1)
        await settled(pilot)
        (region,) = painted
        assert (region.y, region.height, region.width) == (2, 1, 12)


@asynchronous
async def test_words_from_outside_steer_nothing(opened, new_run):
    new_run("demo", state="failed", reason="\x1b[2J [b]bold[/b]", task="\x1b]0;x\x07")
    async with opened() as pilot:
        screen = await settled(pilot)
        assert r"\x1b[2J [b]bold[/b]" in screen
        assert "\x1b" not in screen and "\x07" not in screen


@asynchronous
async def test_a_folder_that_cannot_be_read_is_told(opened, tmp_path):
    (tmp_path / "runs").write_text("a file")
    async with opened() as pilot:
        await pilot.pause()
        await pilot.app._pulse()
        assert "Cannot read" in told(pilot)[0]


@asynchronous
async def test_plain_terminals_get_plain_characters(opened, three):
    change(three[1], metric="accuracy", best=0.9, best_ci95=0.01, iteration=60, iterations=60)
    async with opened(charset="ascii", plain=True) as pilot:
        await settled(pilot)
        await press(pilot, "space")
        lines = (await settled(pilot)).splitlines()
        assert all(line.isascii() for line in lines)
        assert "* running" in lines[3] and "90.00 +-1.00 %" in lines[4]


@pytest.mark.parametrize("size", SIZES)
@asynchronous
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
@asynchronous
async def test_small_terminals_keep_the_essential(opened, three, size, headings, details):
    async with opened(size) as pilot:
        await settled(pilot)
        page = pilot.app.screen
        assert len(page.query_one(RunList)._columns) == headings
        detail = page.query_one("#detail")
        assert (detail.size.height if detail.display else 0) == details


@asynchronous
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
