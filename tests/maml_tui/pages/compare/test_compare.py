"""The Compare page on real folders, without a worker; a stand-in measures."""

from __future__ import annotations

import re
import shutil

import numpy as np
import psutil
import pytest
from app_driver import SIZES, notifications, problems, settled
from deadline import until
from run_folders import change_status
from screens import screen_strips

from engine.errors import ResourceError
from engine.runs.events import AtStep
from engine.runs.journal import EventWriter
from engine.runs.result import Measured, Result, Scores, write_result, write_scores
from engine.services.messages import EVALUATE, EvaluationReport
from engine.services.service import Answered
from engine.statistics.summary import summarise
from maml_tui.plotting.grid import colour
from maml_tui.runs.series import Metric
from maml_tui.runs.watch import RunWatch
from maml_tui.widgets.chart import Chart
from maml_tui.widgets.lazy_static import LazyStatic


@pytest.fixture
def opened(open_page):
    """Return `opened(runs, size, ...)`: the application on its Compare page."""
    return lambda runs=(), *size, **how: open_page("compare", *size, compare_runs=runs, **how)


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
        change_status(run, state="done", best=0.9)
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
def evaluator(program):
    """Return `evaluator(text)`: let that program evaluate; `asked` is the question that it has read."""
    return lambda text: program(f"asked = json.loads(sys.stdin.readline())\n{text}")


async def test_six_runs_have_all_their_columns_in_sight(opened, six):
    async with opened(six) as pilot:
        screen = await settled(pilot)
        assert all(f" {run.id} " in screen for run in six)
        assert re.search(r"seed +0 +1 +2 +3 +4 +5 ", screen)


async def test_without_runs_it_says_how_to_choose_some(opened):
    async with opened() as pilot:
        screen = await settled(pilot)
        assert "No runs are chosen" in screen and "maml compare RUN RUN" in screen
        assert "Measure" not in screen and "Choose" in screen
        await pilot.press("m", "p", "x", "escape")
        assert "No runs are chosen" in await settled(pilot)


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
async def test_every_size_shows_the_essence(opened, two, size, charset):
    async with opened(two, size, charset=charset) as pilot:
        screen = await settled(pilot)
        if size[0] >= 28 and size[1] >= 3:
            assert "A - B  +12.50" in screen
        if charset == "ascii":
            assert "±" not in screen


@pytest.mark.parametrize("plain", [True, False])
async def test_runs_have_their_colours_where_any_are_wanted(opened, two, plain):
    async with opened(two, plain=plain) as pilot:
        await settled(pilot)
        strips = screen_strips(pilot.app)
        styles = {segment.style for strip in strips for segment in strip if segment.style}
        shown = {style.color.get_truecolor().hex for style in styles if style.color}
        assert {colour(0), colour(1)} & shown == (set() if plain else {colour(0), colour(1)})


async def test_a_live_run_goes_on_before_ones_eyes(opened, run_with, records, finish):
    live, done = run_with(state="running", iteration=7), finish(run_with(), [0.5, 0.6])
    async with opened([live, done]) as pilot:
        screen = await settled(pilot)
        assert "parameters not measured yet: A" in screen and "running 12%" in screen
        assert "no values yet" in screen
        with EventWriter(live.events) as writer:
            writer.write(records.validation(20))
        change_status(live, iteration=20)
        assert "running 33%" in await settled(pilot)
        assert [one.letter for one in pilot.app.screen.query_one(Chart).plot.series if len(one.x)] == ["A"]
        finish(live, [0.7, 0.7])
        assert "A - B  +15.00" in await settled(pilot)


async def test_metrics_that_do_not_fit_together_are_said_to_be_left_out(opened, two, run_with):
    sinusoid = run_with(preset="sinusoid-10shot", best=0.5)
    async with opened([sinusoid, two[0]]) as pilot:
        screen = await settled(pilot)
        chart = pilot.app.screen.query_one(Chart)
        assert chart.view.metric is Metric.MSE
        assert "B not in the plot: no mse there" in screen
        obstacles = pilot.app.screen.query_one("#obstacles", LazyStatic).content
        assert str(obstacles).startswith("A - B") and "sinusoid" in str(obstacles)
        await pilot.press("p")
        assert chart.view.metric is Metric.ACCURACY
        assert "A not in the plot: no accuracy there" in await settled(pilot)
        await pilot.press("P", "P")
        assert "not in the plot" not in await settled(pilot)
        await pilot.press("m")
        (problem,) = problems(pilot)
        assert "sinusoid" in problem and "strokes" in problem


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
        assert len(problems(pilot)) == 1, "one run alone has nothing to be compared with"
        shutil.rmtree(two[1].path)
        pilot.app.compare_runs = (two[1], two[1])
        assert "No runs are chosen" in await settled(pilot)


async def test_no_more_runs_than_letters(opened, run_with):
    runs = [run_with() for _ in range(7)]
    async with opened(runs) as pilot:
        await settled(pilot)
        assert pilot.app.compare_runs == tuple(runs[:6])
        (told,) = notifications(pilot)
        assert runs[5].id in told


async def test_an_idle_page_paints_nothing(opened, two, monkeypatch):
    async with opened(two) as pilot:
        await settled(pilot)
        painted = []
        monkeypatch.setattr(type(pilot.app), "_display", lambda *args: painted.append(args))
        await pilot.app.screen.pulse()
        await pilot.pause()
        assert painted == []


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


async def test_a_measurement_that_fails_is_told(opened, two, evaluator):
    evaluator("""
failure = {"sentence": "the data set is gone", "exit_code": 3}
print(json.dumps({"id": 1, "failure": failure}), flush=True)
""")
    async with opened(two) as pilot:
        await settled(pilot)
        await pilot.press("m")
        await pilot.app.workers.wait_for_complete()
        assert notifications(pilot) == ["the data set is gone"]


@pytest.mark.parametrize("way_out", ["m", "3", "q"])
async def test_a_measurement_is_called_off(opened, two, evaluator, way_out):
    evaluator("time.sleep(600)")
    others = set(psutil.Process().children())  # other tests' servers, which live on
    async with opened(two) as pilot:
        await settled(pilot)
        await pilot.press("m")
        (measuring,) = await until(lambda: set(psutil.Process().children()) - others)
        assert "measuring A of 2" in await settled(pilot)
        await pilot.press("question_mark")
        await pilot.pause()
        assert measuring.is_running(), "a dialog over the page does not call it off"
        await pilot.press("escape", way_out)
        await until(lambda: not measuring.is_running())


async def test_other_runs_can_be_chosen(opened, two):
    async with opened(two[:1]) as pilot:
        assert f"A ━ {two[0].id}" in await settled(pilot)
        pilot.app.compare_runs = two[::-1]
        screen = await settled(pilot)
        assert f"A ━ {two[1].id}" in screen and "A - B  -12.50" in screen
        assert RunWatch(two[0]).run == pilot.app.compare_runs[1]
