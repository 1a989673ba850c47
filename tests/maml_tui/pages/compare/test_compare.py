"""The Compare page on real folders, without a worker; a stand-in measures."""

from __future__ import annotations

import asyncio
import functools
import re
import shutil
import sys

import numpy as np
import psutil
import pytest

from engine.errors import ResourceError
from engine.runs.events import AtStep
from engine.runs.journal import EventWriter
from engine.runs.result import Measured, Result, Scores, write_result, write_scores
from engine.runs.status import read_status, write_status
from engine.services.messages import EVALUATE, EvaluationReport
from engine.services.service import Answered
from engine.statistics.summary import summarise
from maml_tui.app.app import MamlApp
from maml_tui.app.settings import Settings
from maml_tui.app.terminal import Terminal
from maml_tui.plotting.grid import colour
from maml_tui.runs.series import Metric
from maml_tui.runs.watch import RunWatch
from maml_tui.widgets.chart import Chart
from maml_tui.widgets.lazy_static import LazyStatic

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
def opened(monkeypatch):
    """Return `opened(runs, size, ...)`: the application on its Compare page, with no pulse but the tests' own."""
    monkeypatch.setattr(MamlApp, "on_mount", lambda self: self.show("compare"))
    monkeypatch.setattr(MamlApp, "_begin", lambda self: None)

    def open_at(runs=(), size=(120, 40), charset="unicode", plain=False):
        monkeypatch.delenv("NO_COLOR", raising=False)
        if plain:
            monkeypatch.setenv("NO_COLOR", "1")
        settings = Settings.model_validate({"interface": {"charset": charset}})
        app = MamlApp(settings, Terminal(plain, False, True), {})
        app.compare_runs = tuple(runs)
        return app.run_test(size=size)

    return open_at


@pytest.fixture
def outcome(records):
    """Make a result of the best parameters, and its scores."""

    def make(run, values):
        scores = np.float32(values)
        at = AtStep(step=3, **summarise(scores)._asdict())
        measurement = records.test(60).measurement
        protocol = measurement.protocol.model_copy(update={"tasks": len(scores)})
        series = tuple(at.model_copy(update={"step": step}) for step in range(6))
        changed = measurement.model_copy(update={"protocol": protocol, "accuracy": series})
        measured = Measured(checkpoint="best", iteration=40, measurement=changed)
        known = {"name": "demo", "state": "done", "iterations": 60, "seconds": 7.0}
        result = Result(run=run.id, parameters_sha256="0" * 64, measurements=(measured,), **known)
        return result, Scores.of(3, {"best": scores})

    return make


@pytest.fixture
def finish(outcome):
    """Write what a run reached."""

    def write(run, values):
        result, scores = outcome(run, values)
        write_scores(run.scores, scores)
        write_result(run.result, result)
        write_status(run, read_status(run).model_copy(update={"state": "done", "best": 0.9}))
        return run

    return write


@pytest.fixture
def two(run_with, records, finish):
    """Two finished runs with results on the same four tasks."""
    one = run_with(records.trained(33), records.validation(20), iteration=60)
    other = run_with(records.validation(20), overrides=["algorithm=fomaml"], iteration=60)
    return finish(one, [0.6, 0.7, 0.8, 0.9]), finish(other, [0.5, 0.6, 0.7, 0.7])


@pytest.fixture
def six(run_with, records, finish):
    """Six finished runs with results on the same four tasks."""
    made = [run_with(records.validation(20), overrides=[f"seed={seed}"], iteration=60) for seed in range(6)]
    return [finish(run, [0.6, 0.7, 0.8, 0.9 - 0.1 * place]) for place, run in enumerate(made)]


@pytest.fixture
def evaluator(monkeypatch):
    """Return `evaluator(program)`: let that program evaluate; `asked` is the question that it has read."""

    def use(program):
        text = f"import json, sys, time\nasked = json.loads(sys.stdin.readline())\n{program}"
        monkeypatch.setattr("engine.services.client.command", lambda service: [sys.executable, "-c", text])

    return use


async def settled(pilot):
    """Let the page catch up with the disk and with itself; return what can be read on the screen."""
    await pilot.pause()
    page = pilot.app.screen_stack[0]
    if hasattr(page, "pulse"):
        await page.pulse()
    await pilot.pause()
    strips = pilot.app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip) for strip in strips)


def told(pilot):
    return [notification.message for notification in pilot.app._notifications]


@asynchronous
async def test_six_runs_have_all_their_columns_in_sight(opened, six):
    async with opened(six) as pilot:
        screen = await settled(pilot)
        assert all(f" {run.id} " in screen for run in six)
        assert re.search(r"seed +0 +1 +2 +3 +4 +5 ", screen)


@asynchronous
async def test_without_runs_it_says_how_to_choose_some(opened):
    async with opened() as pilot:
        screen = await settled(pilot)
        assert "No runs are chosen" in screen and "maml compare RUN RUN" in screen
        assert "Measure" not in screen and "Choose" in screen
        await pilot.press("m", "p", "x", "escape")
        assert "No runs are chosen" in await settled(pilot)


@asynchronous
async def test_two_results_are_compared_in_pairs(opened, two):
    async with opened(two) as pilot:
        screen = await settled(pilot)
        assert f"A ━ {two[0].id}" in screen and f"B ╌ {two[1].id}" in screen
        assert "A - B  +12.50 ± 7.96 pp   0.015  A" in screen
        assert "algorithm" in screen and "fomaml" in screen and "meta lr" not in screen
        assert isinstance(pilot.app.focused, Chart)
        assert len(pilot.app.screen.query_one(Chart).plot.series) == 2


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("charset", ["unicode", "ascii"])
@asynchronous
async def test_every_size_shows_the_essence(opened, two, size, charset):
    async with opened(two, size, charset) as pilot:
        screen = await settled(pilot)
        if size[0] >= 28 and size[1] >= 3:
            assert "A - B  +12.50" in screen
        if charset == "ascii":
            assert "±" not in screen


@pytest.mark.parametrize("plain", [True, False])
@asynchronous
async def test_runs_have_their_colours_where_any_are_wanted(opened, two, plain):
    async with opened(two, plain=plain) as pilot:
        await settled(pilot)
        strips = pilot.app.screen._compositor.render_strips()
        styles = {segment.style for strip in strips for segment in strip if segment.style}
        shown = {style.color.get_truecolor().hex for style in styles if style.color}
        assert {colour(0), colour(1)} & shown == (set() if plain else {colour(0), colour(1)})


@asynchronous
async def test_a_live_run_goes_on_before_ones_eyes(opened, run_with, records, finish):
    live, done = run_with(state="running", iteration=7), finish(run_with(), [0.5, 0.6])
    async with opened([live, done]) as pilot:
        screen = await settled(pilot)
        assert "parameters not measured yet: A" in screen and "running 12%" in screen
        assert "no values yet" in screen
        with EventWriter(live.events) as writer:
            writer.write(records.validation(20))
        write_status(live, read_status(live).model_copy(update={"iteration": 20}))
        assert "running 33%" in await settled(pilot)
        assert [one.letter for one in pilot.app.screen.query_one(Chart).plot.series if len(one.x)] == ["A"]
        finish(live, [0.7, 0.7])
        assert "A - B  +15.00" in await settled(pilot)


@asynchronous
async def test_metrics_that_do_not_fit_together_are_said_to_be_left_out(opened, two, run_with):
    sinusoid = run_with(preset="sinusoid-10shot", best=0.5)
    async with opened([sinusoid, two[0]]) as pilot:
        screen = await settled(pilot)
        chart = pilot.app.screen.query_one(Chart)
        assert chart.view.metric is Metric.MSE
        assert "B not in the plot: no mse there" in screen
        obstacles = pilot.app.screen.query_one("#obstacles", LazyStatic).content
        assert str(obstacles) == "A - B: they learn different tasks: data sinusoid and strokes"
        await pilot.press("p")
        assert chart.view.metric is Metric.ACCURACY
        assert "A not in the plot: no accuracy there" in await settled(pilot)
        await pilot.press("P", "P")
        assert "not in the plot" not in await settled(pilot)
        await pilot.press("m")
        assert told(pilot) == ["A and B cannot meet the same tasks: data sinusoid and strokes"]


@asynchronous
async def test_runs_that_vanish_are_left_out(opened, two):
    async with opened(two) as pilot:
        await settled(pilot)
        shutil.rmtree(two[0].path)
        with pytest.raises(ResourceError, match="is gone"):
            await pilot.app.screen.pulse()
        screen = await settled(pilot)
        assert pilot.app.compare_runs == (two[1],)
        assert f"A ━ {two[1].id}" in screen
        await pilot.press("m")
        assert "one run alone has nothing to be compared with" in told(pilot)[-1]
        shutil.rmtree(two[1].path)
        pilot.app.compare_runs = (two[1], two[1])
        assert "No runs are chosen" in await settled(pilot)


@asynchronous
async def test_no_more_runs_than_letters(opened, run_with):
    runs = [run_with() for _ in range(7)]
    async with opened(runs) as pilot:
        await settled(pilot)
        assert pilot.app.compare_runs == tuple(runs[:6])
        assert told(pilot) == [f"6 runs fit: those chosen after {runs[5].id} are left out"]


@asynchronous
async def test_an_idle_page_paints_nothing(opened, two, monkeypatch):
    async with opened(two) as pilot:
        await settled(pilot)
        painted = []
        monkeypatch.setattr(type(pilot.app), "_display", lambda *args: painted.append(args))
        await pilot.app.screen.pulse()
        await pilot.pause()
        assert painted == []


@asynchronous
async def test_measuring_replaces_what_is_missing(opened, two, evaluator, outcome):
    for run in two:
        result, scores = outcome(run, [0.25, 0.75, 0.5])
        run.result.unlink()
        known = result.model_dump(include={"run", "measurements", "fingerprint"})
        answered = Answered(id=1, result=EvaluationReport(scores=scores, **known))
        (run.path / "answer").write_bytes(EVALUATE.answer_line(answered))
    evaluator("print(open(asked['question']['run'] + '/answer').read(), flush=True)")
    async with opened(two) as pilot:
        assert "parameters not measured yet: A and B" in await settled(pilot)
        await pilot.press("m")
        await pilot.app.workers.wait_for_complete()
        screen = await settled(pilot)
        assert "A - B  0.00 ± 0.00 pp" in screen and "50.00 ± 28.29" in screen
        assert "3 test tasks" in screen and "measuring" not in screen


@asynchronous
async def test_a_measurement_that_fails_is_told(opened, two, evaluator):
    evaluator("""
failure = {"sentence": "the data set is gone", "exit_code": 3}
print(json.dumps({"id": 1, "failure": failure}), flush=True)
""")
    async with opened(two) as pilot:
        await settled(pilot)
        await pilot.press("m")
        await pilot.app.workers.wait_for_complete()
        assert told(pilot) == ["the data set is gone"]


@pytest.mark.parametrize("way_out", ["m", "3", "q"])
@asynchronous
async def test_a_measurement_is_called_off(opened, two, evaluator, way_out):
    evaluator("time.sleep(600)")
    others = set(psutil.Process().children())  # other tests' servers, which live on
    async with opened(two) as pilot:
        await settled(pilot)
        await pilot.press("m")
        while not (started := set(psutil.Process().children()) - others):
            await asyncio.sleep(0.01)
        (measuring,) = started
        assert "measuring A of 2" in await settled(pilot)
        await pilot.press("question_mark")
        await pilot.pause()
        assert measuring.is_running(), "a dialog over the page does not call it off"
        await pilot.press("escape", way_out)
        while measuring.is_running():
            await asyncio.sleep(0.01)


@asynchronous
async def test_other_runs_can_be_chosen(opened, two):
    async with opened(two[:1]) as pilot:
        assert f"A ━ {two[0].id}" in await settled(pilot)
        pilot.app.compare_runs = two[::-1]
        screen = await settled(pilot)
        assert f"A ━ {two[1].id}" in screen and "A - B  -12.50" in screen
        assert RunWatch(two[0]).run == pilot.app.compare_runs[1]
