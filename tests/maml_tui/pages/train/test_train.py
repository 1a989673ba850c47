"""The Train page on real run folders, whose worker is this very process: it answers when the test does."""

from __future__ import annotations

import asyncio
import functools
import re
import time
from types import SimpleNamespace

import pytest

from engine.runs.checkpoints import save_checkpoint
from engine.runs.events import RequestEvent, StateEvent
from engine.runs.journal import EventWriter
from engine.runs.requests import acknowledge, pending
from engine.runs.result import write_result
from engine.runs.status import read_status, write_status
from maml_tui.app.app import MamlApp
from maml_tui.app.settings import Interface, Settings
from maml_tui.app.terminal import Terminal
from maml_tui.pages.page import Page
from maml_tui.pages.train import screen as train
from maml_tui.pages.train.pane import Pane
from maml_tui.widgets.chart import Chart

SIZES = [(120, 40), (100, 32), (80, 24), (60, 15), (59, 14), (30, 6), (20, 3), (1, 1), (200, 60)]
STATES = {
    "queued": {},
    "warming-up": {},
    "running": {"iteration": 30},
    "paused": {"iteration": 30, "reason": "by request"},
    "stopping": {"iteration": 30, "reason": "by request"},
    "measuring": {"state": "running", "iteration": 60, "measured": 0.25},
    "done": {"iteration": 60, "reason": "all iterations done"},
    "failed": {"reason": "device 'cuda:7' is not on this machine"},
    "diverged": {"iteration": 30, "reason": "meta-gradients were not finite"},
    "lost": {"state": "running", "iteration": 30, "pid": 2**22 - 1, "process_start": 1.0},
}


def asynchronous(test):
    """Let a coroutine be a test."""

    @functools.wraps(test)
    def run(*args, **kwargs):
        asyncio.run(test(*args, **kwargs))

    return run


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("MAML_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.delenv("NO_COLOR", raising=False)


@pytest.fixture
def new_run(run_with):
    """Make a run whose last sign of life is of just now."""
    return lambda *events, **kwargs: run_with(*events, **{"heartbeat": time.time(), **kwargs})


@pytest.fixture
def full(new_run, records, result):
    """Make a run in some state, with something to show of everything."""

    def make(kind, **changes):
        told = [records.trained(i) for i in range(1, 30)] + [records.validation(20), records.saved(20)]
        status = {"state": kind, "telemetry": records.sample(), **STATES[kind], **changes}
        return new_run(*told, result=result if kind == "done" else None, **status)

    return make


class Window:
    """The application on one run."""

    def __init__(self, run=None, size=(120, 40), readonly=False, colourless=False):
        settings = Settings(interface=Interface(hz=20))
        terminal = Terminal(colourless=colourless, remote=False, utf8=True)
        self.app = MamlApp(settings, terminal, {"A": "b"}, run, readonly)
        self.run, self.size = run, size

    async def __aenter__(self):
        self.context = self.app.run_test(size=self.size)
        self.pilot = await self.context.__aenter__()
        await self.until(lambda: isinstance(self.app.screen, Page))
        if self.run is None:
            self.app.show("train")
        await self.until(lambda: isinstance(self.app.screen, train.TrainPage) and self.app.screen.is_mounted)
        await self.pilot.pause()
        return self

    async def __aexit__(self, *details):
        await self.context.__aexit__(*details)

    @property
    def text(self):
        strips = self.app.screen._compositor.render_strips(self.app.size)
        return "\n".join("".join(part.text for part in strip) for strip in strips)

    @property
    def told(self):
        return [notification.message for notification in self.app._notifications]

    async def until(self, condition, seconds=20):
        deadline = time.monotonic() + seconds
        while not (found := condition()):
            assert time.monotonic() < deadline, self.text
            await self.pilot.pause(0.02)
        return found

    async def shows(self, pattern):
        await self.until(lambda: re.search(pattern, self.text))

    async def tells(self, words):
        await self.until(lambda: any(words in sentence for sentence in self.told))

    async def press(self, *keys):
        await self.pilot.press(*keys)


def change(run, **status):
    write_status(run, read_status(run).model_copy(update=status))


def answer(run, outcome="accepted", reason=""):
    """Answer the one request that waits, as a worker does; return it."""
    (asked,) = pending(run)
    with EventWriter(run.events) as events:
        events.write(RequestEvent(verb=asked.verb, id=asked.id, outcome=outcome, reason=reason))
    acknowledge(asked)
    return asked


@pytest.mark.parametrize("state", STATES)
@asynchronous
async def test_every_state_has_a_picture_at_every_size(full, state):
    async with Window(full(state)) as window:
        for size in SIZES:
            await window.pilot.resize_terminal(*size)
            await window.pilot.pause()
            if size[0] >= 40:
                await window.shows(state.upper())
            assert len(window.text.splitlines()) == size[1]


@asynchronous
async def test_wide_and_tall_shows_everything_at_once(full):
    async with Window(full("running")) as window:
        for words in (
            "Accuracy",
            "Loss",
            "val after 3",
            "93.00",
            "12.0 of 139 GiB",
            "f.pt",
            "next validation in 10 it",
        ):
            await window.shows(words)
        assert "Result" not in window.text


@asynchronous
async def test_where_there_is_room_for_one_pane_tab_goes_through_all(full):
    async with Window(full("running"), (80, 24)) as window:
        await window.shows("Accuracy")
        for words in (
            "─ Loss|━ Loss",
            "Metrics · validated",
            "Adaptation · val at 20",
            "Machine · ",
            "Events · ",
            "Accuracy ·",
        ):
            await window.press("tab")
            await window.shows(words)
        await window.press("shift+tab")
        await window.shows("━ Events · ")
        assert window.text.count("╭") + window.text.count("┏") == 1
        await window.press("escape")
        await window.shows("Accuracy ·")


@asynchronous
async def test_a_finished_run_shows_its_result_and_all_that_is_said_of_it_can_be_reached(full):
    async with Window(full("done"), (60, 15)) as window:
        await window.shows("Result on the test tasks")
        assert "step  best accuracy %  last accuracy %" in window.text
        await window.press("end")
        await window.shows("ll tasks, diverged ones included")


@asynchronous
async def test_a_long_result_leaves_metrics_and_adaptation_in_reach(new_run, records, result):
    measurement = records.test(60, values=(0.5,) * 31).measurement
    longer = [one.model_copy(update={"measurement": measurement}) for one in result.measurements]
    long = result.model_copy(update={"measurements": tuple(longer)})
    run = new_run(records.trained(60), records.validation(60), result=long, state="done", iteration=60)
    async with Window(run) as window:
        for title in ("Result on the test tasks", "Metrics · validated at 60", "Adaptation · val at 60"):
            await window.shows(title)
        await window.shows("val after 3")
        await window.pilot.resize_terminal(80, 24)
        await window.press("tab")
        await window.shows("val after 3 .*600")
        await window.press("tab")
        await window.shows("━ Adaptation · val at 60")


@asynchronous
async def test_without_a_run_it_says_what_to_do():
    async with Window() as window:
        await window.shows("No run is open")
        await window.press("space")
        await window.tells("no run is open")


@asynchronous
async def test_a_run_that_has_told_nothing_yet(new_run):
    async with Window(new_run(state="warming-up")) as window:
        await window.shows("the first values come when PyTorch is imported")
        await window.shows("importing PyTorch")
        await window.shows("first validation at 20")
        await window.shows("no events yet")


@asynchronous
async def test_what_is_not_finite_is_said(new_run, records):
    nan = float("nan")
    told = [records.trained(1), records.trained(2, loss=nan, grad_norm=None, skipped=3)]
    run = new_run(*told, records.validation(20, values=(0.2, nan, nan, nan)), state="running")
    async with Window(run) as window:
        await window.shows("3 updates skipped: not finite")
        await window.shows("val after 3  +not finite")


@pytest.mark.parametrize(
    ("key", "state", "verb", "words"),
    [
        ("space", "running", "pause", ": paused"),
        ("space", "paused", "resume", ": resumed"),
        ("r", "paused", "resume", ": resumed"),
        ("c", "running", "checkpoint", ": writing"),
        ("e", "running", "evaluate", ": evaluating"),
    ],
)
@asynchronous
async def test_a_key_asks_and_the_answer_is_told(full, key, state, verb, words):
    run = full(state)
    async with Window(run) as window:
        await window.shows(state.upper())
        await window.press(key)
        assert answer(run).verb == verb
        await window.tells(words)


@asynchronous
async def test_a_refusal_is_told(full):
    run = full("running")
    async with Window(run) as window:
        await window.shows("RUNNING")
        await window.press("c")
        answer(run, "refused", "training is over, the result is being measured")
        await window.tells("refused to checkpoint: training is over")


@asynchronous
async def test_only_what_makes_sense_is_offered(full):
    live, finished = full("running"), full("done")
    async with Window(live) as window:
        await window.shows("space Pause")
        assert "Resume" not in window.text
        change(live, state="failed", reason="disk full")
        await window.until(lambda: "r Resume" in window.text and "Pause" not in window.text)
    async with Window(finished) as window:
        await window.shows("DONE")
        await window.until(lambda: "Resume" not in window.text and "Pause" not in window.text)


@pytest.mark.parametrize(
    ("keys", "asked"),
    [
        (["g"], "graceful"),
        (["n"], "now"),
        (["down", "enter"], "graceful"),
        (["escape"], None),
        (["k", "escape", "escape"], None),
        (["k", "n", "escape"], None),
    ],
)
@asynchronous
async def test_the_stop_dialog_asks_for_what_was_chosen(full, keys, asked):
    run = full("running")
    async with Window(run) as window:
        await window.shows("RUNNING")
        await window.press("X")
        await window.shows("Leave or stop run")
        for key in keys:
            await window.press(key)
            await window.pilot.pause()
        await window.until(lambda: isinstance(window.app.screen, train.TrainPage))
        assert [request.mode for request in pending(run)] == ([asked] if asked else [])


@asynchronous
async def test_detaching_is_the_default_and_leaves_the_run_alone(full):
    run = full("running")
    async with Window(run) as window:
        await window.shows("RUNNING")
        await window.press("X")
        await window.shows("close this window, the run goes on")
        await window.press("enter")
        await window.until(lambda: window.app._exit)
    assert window.app.return_code == 0 and pending(run) == []


@asynchronous
async def test_ctrl_c_asks_how_to_leave_a_live_run(full):
    async with Window(full("running")) as window:
        await window.shows("RUNNING")
        await window.press("ctrl+c")
        await window.shows("Leave or stop run")


@asynchronous
async def test_a_kill_is_asked_twice(full, monkeypatch):
    killed = []
    monkeypatch.setattr("maml_tui.pages.run_control.kill_worker", killed.append)
    run = full("running")
    save_checkpoint(run, 20, b"x", ["latest"])
    async with Window(run) as window:
        await window.shows("RUNNING")
        await window.press("X")
        await window.shows("what came after 20")
        await window.press("k")
        await window.shows("Kill run")
        assert not killed
        await window.press("y")
        await window.until(lambda: killed == [run])


@asynchronous
async def test_a_worker_elsewhere_is_not_killed_from_here(full):
    async with Window(full("running", host="gpubox03")) as window:
        await window.shows("RUNNING")
        await window.press("X")
        await window.shows("Leave or stop run")
        await window.press("k")
        await window.shows("its worker is on gpubox03: kill it there")


@asynchronous
async def test_a_lost_run_is_taken_up_by_a_new_worker_in_the_persons_environment(full, monkeypatch):
    started = []

    def start(run, environment):
        started.append((run, environment))
        return SimpleNamespace(pid=1, poll=lambda: None)

    monkeypatch.setattr("engine.runs.control.start_worker", start)
    run = full("lost")
    async with Window(run) as window:
        await window.shows("r resumes from iteration 20")
        await window.press("r")
        await window.tells("is starting")
        assert started == [(run, {"A": "b"})]
        await window.press("r")
        await window.tells("is starting already")


@asynchronous
async def test_a_worker_that_dies_at_once_is_told_of(full, monkeypatch):
    monkeypatch.setattr("engine.runs.control.start_worker", lambda *_: SimpleNamespace(pid=1, poll=lambda: 3))
    run = full("failed")
    run.log.write_text("maml: no such thing\n")
    async with Window(run) as window:
        await window.shows("r tries again")
        await window.press("r")
        await window.tells("exit status 3: maml: no such thing")


@pytest.mark.parametrize("key", ["space", "c", "e", "X"])
@asynchronous
async def test_a_read_only_window_refuses(full, key):
    run = full("running")
    async with Window(run, readonly=True) as window:
        await window.shows("RUNNING")
        await window.press(key)
        await window.tells("read-only")
        assert pending(run) == []


@asynchronous
async def test_the_log_takes_the_page_and_gives_it_back(full):
    async with Window(full("running"), (80, 24)) as window:
        await window.shows("RUNNING")
        await window.press("v")
        await window.until(lambda: window.app.screen.query_one("#events").size.height > 15)
        assert "RUNNING" not in window.text and "f.pt" in window.text
        await window.press("v")
        await window.shows("RUNNING")


@asynchronous
async def test_this_run_is_compared_with_those_before(full):
    other, run = full("done"), full("running")
    async with Window(run) as window:
        await window.shows("RUNNING")
        window.app.compare_runs = (other, run)
        await window.press("o")
        assert window.app.compare_runs == (run, other)
        await window.until(lambda: window.app.current_mode == "compare")


@asynchronous
async def test_all_plots_point_at_the_same_place(full):
    async with Window(full("running")) as window:
        await window.shows("Accuracy")
        charts = list(window.app.screen.query(Chart))
        await window.press("left")
        await window.until(lambda: charts[0].view.crosshair is not None)
        await window.until(lambda: charts[1].view.crosshair == charts[0].view.crosshair)
        charts[1].focus()
        await window.press("x", "left")
        assert charts[1].view.x_axis != charts[0].view.x_axis
        before = charts[0].view.crosshair
        await window.press("left")
        assert charts[0].view.crosshair == before != charts[1].view.crosshair


@asynchronous
async def test_another_run_takes_the_place_of_the_first(full, new_run, records):
    regression = new_run(
        records.validation(9, values=(4.0, 2.0, 1.0), metric="mse"), preset="sinusoid-10shot", state="running"
    )
    async with Window(full("done")) as window:
        await window.shows("Result on the test tasks")
        window.app.open_run(regression)
        await window.shows("MSE")
        await window.shows("Gradient norm")
        assert "Result" not in window.text and "12.0 of 139 GiB" not in window.text


@asynchronous
async def test_one_finished_run_after_the_other(full):
    first, second = full("done"), full("done", name="another")
    async with Window(first) as window:
        await window.shows("demo")
        window.app.open_run(second)
        await window.shows("another")


@asynchronous
async def test_a_result_gets_its_tab_when_it_comes(full, result):
    run = full("running")
    async with Window(run, (80, 24)) as window:
        await window.shows("Plot 2  Metrics")
        write_result(run.result, result)
        change(run, state="done")
        await window.shows("Plot 2  Result  Metrics")


@asynchronous
async def test_a_result_that_goes_away_takes_its_pane_along(full):
    run = full("done")
    async with Window(run, (80, 24)) as window:
        await window.shows("Result on the test tasks")
        run.result.unlink()
        change(run, state="running", iteration=30)
        await window.shows("Accuracy ·")
        assert "Result" not in window.text


@asynchronous
async def test_silence_grows_without_any_news(full):
    async with Window(full("running", heartbeat=time.time() - 90)) as window:
        await window.shows("silent for 1 m")


@asynchronous
async def test_a_pulse_without_news_paints_nothing(full, monkeypatch):
    async with Window(full("done")) as window:
        await window.shows("DONE")
        await window.pilot.pause(0.2)
        painted = []
        monkeypatch.setattr(Pane, "refresh", lambda *args, **kwargs: painted.append(args))
        monkeypatch.setattr(Chart, "refresh", lambda *args, **kwargs: painted.append(args))
        await window.app._pulse()
        assert painted == []


@asynchronous
async def test_news_paint_only_what_they_change(full, monkeypatch):
    run = full("paused")
    async with Window(run) as window:
        await window.shows("PAUSED")
        await window.pilot.pause(0.2)
        painted = set()
        monkeypatch.setattr(Pane, "refresh", lambda pane, *regions, **kwargs: painted.add(pane.id))
        monkeypatch.setattr(Chart, "refresh", lambda chart, *regions, **kwargs: painted.add(chart.id))
        change(run, seconds=4321.0)
        await window.until(lambda: "status" in painted)
        assert painted == {"status"}


@asynchronous
async def test_without_colour_nothing_is_lost(full, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    async with Window(full("running"), colourless=True) as window:
        for words in ("● RUNNING", "A ━ meta-val", "val after 3"):
            await window.shows(words)


@asynchronous
async def test_a_new_event_appears_at_the_top(full):
    run = full("running")
    async with Window(run) as window:
        await window.shows("Events · 2")
        with EventWriter(run.events) as events:
            events.write(StateEvent(state="paused", reason="by request"))
        await window.shows("Events · 3.*\n.*paused: by request")
