"""What the keys of the Runs page do with a run."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from app_driver import notifications, press, problems, settled
from run_folders import change_status

from engine.runs.events import RequestEvent
from engine.runs.index import list_runs
from engine.runs.journal import EventWriter
from engine.runs.repair import STATUS_REBUILT
from engine.runs.requests import acknowledge, pending
from engine.runs.status import read_status
from engine.runs.tags import read_tags, write_tags
from maml_tui.app.app import MamlApp
from maml_tui.pages.runs.run_list import RunList
from maml_tui.runs.watch import RunWatch


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


async def test_up_to_six_runs_are_selected(opened, new_run):
    runs = [new_run(f"run{n}") for n in range(7)][::-1]
    async with opened() as pilot:
        await settled(pilot)
        screen = await press(pilot, *["space", "j"] * 7)
        assert pilot.app.compare_runs == tuple(runs[:6])
        assert all(f"{letter} {run.id}" in screen for letter, run in zip("ABCDEF", runs, strict=False))
        (problem,) = problems(pilot)
        assert "6" in problem
        screen = await press(pilot, "g", "space")
        assert pilot.app.compare_runs == tuple(runs[1:6])
        assert f"A {runs[1].id}" in screen


async def test_a_comparison_needs_two(opened, three, monkeypatch):
    shown = []
    async with opened() as pilot:
        await settled(pilot)
        monkeypatch.setattr(MamlApp, "show", lambda self, page: shown.append(page))
        await press(pilot, "d")
        await press(pilot, "space", "d")
        assert (shown, len(notifications(pilot))) == ([], 2)
        await press(pilot, "j", "d")
        assert (shown, pilot.app.compare_runs) == (["compare"], (three[2], three[1]))


async def test_resuming(opened, elsewhere, new_run, monkeypatch):
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
    paused = new_run("paused", **{**elsewhere, "state": "paused"})
    running = new_run("running", **elsewhere)
    async with opened() as pilot:
        await settled(pilot)
        await press(pilot, "r")
        assert f"`maml attach {running.id}`" in problems(pilot)[-1]
        await press(pilot, "j", "r")
        assert [request.verb for request in pending(paused)] == ["resume"]
        await press(pilot, "j", "r")
        assert started == [(lost, "1")]
        assert lost.id in notifications(pilot)[-2]
        assert lost.id in problems(pilot)[-1] and "no such device" in problems(pilot)[-1]
        await press(pilot, "j", "r")
        assert complete.id in problems(pilot)[-1] and len(started) == 1


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
        assert notifications(pilot) == [
            f"run {run.id}: {STATUS_REBUILT}",
            f"a worker for run {run.id} is starting",
        ]
        assert "hurt" in await settled(pilot)
    assert started == [run]
    assert (read_status(run).name, read_status(run).state) == ("hurt", "lost")


@pytest.mark.parametrize(("outcome", "severity"), [("accepted", "information"), ("refused", "error")])
async def test_the_answer_to_a_request_is_reported_on_whatever_page(
    opened, elsewhere, new_run, outcome, severity
):
    paused = new_run("paused", **{**elsewhere, "state": "paused"})
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


async def test_stopping(opened, elsewhere, new_run, monkeypatch):
    killed = []
    monkeypatch.setattr("maml_tui.pages.run_control.kill_worker", killed.append)
    ended, live = new_run("ended"), new_run("live", **elsewhere, iteration=60)
    async with opened() as pilot:
        await settled(pilot)
        assert f"Leave or stop run {live.id}?" in await press(pilot, "X")
        await press(pilot, "escape")
        assert pending(live) == []
        await press(pilot, "X", "n")
        assert [(request.verb, request.mode) for request in pending(live)] == [("stop", "now")]
        await press(pilot, "j", "X")
        assert ended.id in problems(pilot)[-1] and "done" in problems(pilot)[-1]
        await press(pilot, "k")
        page = pilot.app.screen
        page._leave_or_stop(live, "kill")
        assert killed == [live]
        page._leave_or_stop(live, "detach")
        assert pilot.app.return_code == 0


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


async def test_deleting(opened, elsewhere, new_run):
    live, gone, stays = new_run("live", **elsewhere), new_run("gone"), new_run("stays")
    async with opened() as pilot:
        await settled(pilot)
        pilot.app.compare_runs = (gone, stays)
        pilot.app.watched = RunWatch(gone)
        await press(pilot, "j", "j", "D")
        (problem,) = problems(pilot)
        assert live.id in problem and "(X)" in problem
        screen = await press(pilot, "k", "D")
        assert f"Delete run {gone.id} gone?" in screen and f"same: maml runs rm {gone.id}" in screen
        await press(pilot, "enter")
        assert len(list_runs()) == 3
        await press(pilot, "D", "y")
        assert {summary.run for summary in list_runs()} == {live, stays}
        rows = pilot.app.screen.query_one(RunList)._listing.rows
        assert [facts.run for facts in rows] == [stays, live]
        assert (pilot.app.compare_runs, pilot.app.watched) == ((stays,), None)


async def test_deleting_what_cannot_be_deleted_is_told(opened, elsewhere, three, monkeypatch):
    async with opened() as pilot:
        await settled(pilot)
        await press(pilot, "G", "D")
        change_status(three[0], **elsewhere)
        await press(pilot, "y")
        (problem,) = problems(pilot)
        assert three[0].id in problem and three[0].config.exists()


async def test_the_path_is_copied(opened, three):
    async with opened() as pilot:
        await settled(pilot)
        await press(pilot, "Y")
        assert pilot.app.clipboard == str(three[2].path)


@pytest.mark.parametrize("key", ["r", "X", "t", "n", "D"])
async def test_a_read_only_window_changes_nothing(opened, three, key):
    async with opened(readonly=True) as pilot:
        await settled(pilot)
        await press(pilot, key)
        assert "read-only" in notifications(pilot)[-1]
