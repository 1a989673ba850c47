"""The Train page on real run folders, whose worker is this very process."""

from __future__ import annotations

import time

import pytest
from app_driver import shows, tells, watching
from deadline import until
from run_folders import change_status
from screens import screen_text

from engine.runs.events import StateEvent
from engine.runs.journal import EventWriter
from engine.runs.result import write_result
from maml_tui.pages.train.pane import Pane
from maml_tui.widgets.chart import Chart

SIZES = [(120, 40), (100, 32), (80, 24), (60, 15), (59, 14), (30, 6), (20, 3), (1, 1), (200, 60)]


@pytest.mark.parametrize(
    "state",
    [
        "queued",
        "warming-up",
        "running",
        "paused",
        "stopping",
        "measuring",
        "done",
        "failed",
        "diverged",
        "lost",
    ],
)
async def test_every_state_has_a_picture_at_every_size(full, state):
    async with watching(full(state)) as pilot:
        for size in SIZES:
            await pilot.resize_terminal(*size)
            await pilot.pause()
            if size[0] >= 40:
                await shows(pilot, state.upper())
            assert len(screen_text(pilot.app).splitlines()) == size[1]


async def test_wide_and_tall_shows_everything_at_once(full):
    async with watching(full("running")) as pilot:
        for words in (
            "Accuracy",
            "Loss",
            "val after 3",
            "93.00",
            "12.0 of 139 GiB",
            "f.pt",
            "next validation in 10 it",
        ):
            await shows(pilot, words)
        assert "Result" not in screen_text(pilot.app)


async def test_where_there_is_room_for_one_pane_tab_goes_through_all(full):
    async with watching(full("running"), (80, 24)) as pilot:
        await shows(pilot, "Accuracy")
        for words in (
            "─ Loss|━ Loss",
            "Metrics · validated",
            "Adaptation · val at 20",
            "Machine · ",
            "Events · ",
            "Accuracy ·",
        ):
            await pilot.press("tab")
            await shows(pilot, words)
        await pilot.press("shift+tab")
        await shows(pilot, "━ Events · ")
        assert screen_text(pilot.app).count("╭") + screen_text(pilot.app).count("┏") == 1
        await pilot.press("escape")
        await shows(pilot, "Accuracy ·")


async def test_a_finished_run_shows_its_result_and_all_that_is_said_of_it_can_be_reached(full):
    async with watching(full("done"), (60, 15)) as pilot:
        await shows(pilot, "Result on the test tasks")
        assert "step  best accuracy %  last accuracy %" in screen_text(pilot.app)
        await pilot.press("end")
        await shows(pilot, "ll tasks, diverged ones included")


async def test_a_long_result_leaves_metrics_and_adaptation_in_reach(new_run, records, result):
    measurement = records.test(60, values=(0.5,) * 31).measurement
    longer = [one.model_copy(update={"measurement": measurement}) for one in result.measurements]
    long = result.model_copy(update={"measurements": tuple(longer)})
    run = new_run(records.trained(60), records.validation(60), result=long, state="done", iteration=60)
    async with watching(run) as pilot:
        for title in ("Result on the test tasks", "Metrics · validated at 60", "Adaptation · val at 60"):
            await shows(pilot, title)
        await shows(pilot, "val after 3")
        await pilot.resize_terminal(80, 24)
        await pilot.press("tab")
        await shows(pilot, "val after 3 .*600")
        await pilot.press("tab")
        await shows(pilot, "━ Adaptation · val at 60")


async def test_without_a_run_it_says_what_to_do():
    async with watching() as pilot:
        await shows(pilot, "No run is open")
        await pilot.press("space")
        await tells(pilot, "no run is open")


async def test_a_run_that_has_told_nothing_yet(new_run):
    async with watching(new_run(state="warming-up")) as pilot:
        await shows(pilot, "the first values come when PyTorch is imported")
        await shows(pilot, "importing PyTorch")
        await shows(pilot, "first validation at 20")
        await shows(pilot, "no events yet")


async def test_what_is_not_finite_is_said(new_run, records):
    nan = float("nan")
    told = [records.trained(1), records.trained(2, loss=nan, grad_norm=None, skipped=3)]
    run = new_run(*told, records.validation(20, values=(0.2, nan, nan, nan)), state="running")
    async with watching(run) as pilot:
        await shows(pilot, "3 updates skipped: not finite")
        await shows(pilot, "val after 3  +not finite")


async def test_the_log_takes_the_page_and_gives_it_back(full):
    async with watching(full("running"), (80, 24)) as pilot:
        await shows(pilot, "RUNNING")
        await pilot.press("v")
        await until(lambda: pilot.app.screen.query_one("#events").size.height > 15)
        assert "RUNNING" not in screen_text(pilot.app) and "f.pt" in screen_text(pilot.app)
        await pilot.press("v")
        await shows(pilot, "RUNNING")


async def test_this_run_is_compared_with_those_before(full):
    other, run = full("done"), full("running")
    async with watching(run) as pilot:
        await shows(pilot, "RUNNING")
        pilot.app.compare_runs = (other, run)
        await pilot.press("o")
        assert pilot.app.compare_runs == (run, other)
        await until(lambda: pilot.app.current_mode == "compare")


async def test_all_plots_point_at_the_same_place(full):
    async with watching(full("running")) as pilot:
        await shows(pilot, "Accuracy")
        charts = list(pilot.app.screen.query(Chart))
        await pilot.press("left")
        await until(lambda: charts[0].view.crosshair is not None)
        await until(lambda: charts[1].view.crosshair == charts[0].view.crosshair)
        charts[1].focus()
        await pilot.press("x", "left")
        assert charts[1].view.x_axis != charts[0].view.x_axis
        before = charts[0].view.crosshair
        await pilot.press("left")
        assert charts[0].view.crosshair == before != charts[1].view.crosshair


async def test_another_run_takes_the_place_of_the_first(full, new_run, records):
    regression = new_run(
        records.validation(9, values=(4.0, 2.0, 1.0), metric="mse"), preset="sinusoid-10shot", state="running"
    )
    async with watching(full("done")) as pilot:
        await shows(pilot, "Result on the test tasks")
        pilot.app.open_run(regression)
        await shows(pilot, "MSE")
        await shows(pilot, "Gradient norm")
        assert "Result" not in screen_text(pilot.app) and "12.0 of 139 GiB" not in screen_text(pilot.app)


async def test_one_finished_run_after_the_other(full):
    first, second = full("done"), full("done", name="another")
    async with watching(first) as pilot:
        await shows(pilot, "demo")
        pilot.app.open_run(second)
        await shows(pilot, "another")


async def test_a_result_gets_its_tab_when_it_comes(full, result):
    run = full("running")
    async with watching(run, (80, 24)) as pilot:
        await shows(pilot, "Plot 2  Metrics")
        write_result(run.result, result)
        change_status(run, state="done")
        await shows(pilot, "Plot 2  Result  Metrics")


async def test_a_result_that_goes_away_takes_its_pane_along(full):
    run = full("done")
    async with watching(run, (80, 24)) as pilot:
        await shows(pilot, "Result on the test tasks")
        run.result.unlink()
        change_status(run, state="running", iteration=30)
        await shows(pilot, "Accuracy ·")
        assert "Result" not in screen_text(pilot.app)


async def test_silence_grows_without_any_news(full):
    async with watching(full("running", heartbeat=time.time() - 90)) as pilot:
        await shows(pilot, "silent for 1 m")


async def test_a_pulse_without_news_paints_nothing(full, monkeypatch):
    async with watching(full("done")) as pilot:
        await shows(pilot, "DONE")
        await pilot.pause(0.2)
        painted = []
        monkeypatch.setattr(Pane, "refresh", lambda *args, **kwargs: painted.append(args))
        monkeypatch.setattr(Chart, "refresh", lambda *args, **kwargs: painted.append(args))
        await pilot.app._pulse()
        assert painted == []


async def test_news_paint_only_what_they_change(full, monkeypatch):
    run = full("paused")
    async with watching(run) as pilot:
        await shows(pilot, "PAUSED")
        await pilot.pause(0.2)
        painted = set()
        monkeypatch.setattr(Pane, "refresh", lambda pane, *regions, **kwargs: painted.add(pane.id))
        monkeypatch.setattr(Chart, "refresh", lambda chart, *regions, **kwargs: painted.add(chart.id))
        change_status(run, seconds=4321.0)
        await until(lambda: "status" in painted)
        assert painted == {"status"}


async def test_without_colour_nothing_is_lost(full, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    async with watching(full("running"), plain=True) as pilot:
        for words in ("● RUNNING", "A ━ meta-val", "val after 3"):
            await shows(pilot, words)


async def test_a_new_event_appears_at_the_top(full):
    run = full("running")
    async with watching(run) as pilot:
        await shows(pilot, "Events · 2")
        with EventWriter(run.events) as events:
            events.write(StateEvent(state="paused", reason="by request"))
        await shows(pilot, "Events · 3.*\n.*paused: by request")
