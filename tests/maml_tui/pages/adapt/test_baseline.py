"""Which run is the pretrained baseline of another, and what is told of it."""

from __future__ import annotations

import itertools
import os

import pytest

from engine.config.presets import load_preset
from engine.config.record import RunRecord
from engine.config.resolve import override_layer, resolve
from engine.runs.checkpoints import save_checkpoint
from engine.runs.directory import create_run
from maml_tui.pages.adapt.selection import Selection
from maml_tui.pages.adapt.study import Baseline, find_baseline, is_baseline_of
from maml_tui.runs.watch import RunWatch

PRETRAINED = "algorithm=pretrained"


@pytest.fixture
def make_run(tmp_path):
    """Return `make_run("key=value", ...)`: a run with a checkpoint, each one newer than those before."""
    clock = itertools.count(1000.0)

    def make(*overrides, checkpoint=True):
        preset = load_preset("sinusoid-10shot")
        resolved = resolve([preset.layer, override_layer(list(overrides))])
        record = RunRecord(resolved, "demo", "cpu", preset={"name": preset.name})
        run = create_run("demo", record.to_toml, tmp_path / "runs", lambda: next(clock))
        if checkpoint:
            save_checkpoint(run, 70, b"one", {"latest"})
        return run

    return make


def found_for(run):
    found = find_baseline(RunWatch(run))
    return found and found.run


def test_the_newest_one_with_a_checkpoint_is_taken(make_run):
    run = make_run()
    assert found_for(run) is None
    make_run(PRETRAINED)
    newest = make_run(PRETRAINED, "shots=5", "seed=3")
    make_run(PRETRAINED, checkpoint=False)
    make_run("algorithm=oracle")
    assert found_for(run) == newest


def test_a_neighbour_that_cannot_be_read_is_passed_over(make_run):
    run, good, bad, large = make_run(), make_run(PRETRAINED), make_run(PRETRAINED), make_run(PRETRAINED)
    bad.config.write_text('algorithm = "pretrained" and so on')
    large.config.write_text('"pretrained"' + " " * (1 << 20))
    assert found_for(run) == good


@pytest.mark.parametrize(
    ("other", "same"),
    [
        ((PRETRAINED,), True),
        ((PRETRAINED, "shots=5", "eval_tasks=9"), True),
        ((), False),
        ((PRETRAINED, "amplitude=[1, 2]"), False),
        ((PRETRAINED, "phase=[0, 1]"), False),
        ((PRETRAINED, "x_range=[-1, 1]"), False),
        ((PRETRAINED, "hidden=[40]"), False),
        ((PRETRAINED, "eval_seed=1"), False),
    ],
)
def test_tasks_and_network_are_the_same(config_of, other, same):
    assert is_baseline_of(config_of("sinusoid-10shot"), config_of("sinusoid-10shot", *other)) is same


async def sought(run):
    baseline = Baseline(RunWatch(run), os.environ)
    await baseline.seek()
    return baseline


async def test_without_one_it_says_how_to_get_one(make_run, curve_answer):
    baseline = await sought(make_run())
    assert baseline.remark.endswith("maml train sinusoid-10shot -s algorithm=pretrained")
    assert baseline.losses(curve_answer()) is None and baseline.follow(None) is None


async def test_a_baseline_has_none_itself(make_run):
    make_run(PRETRAINED)
    assert (await sought(make_run(PRETRAINED))).remark == ""


async def test_it_follows_the_view_of_the_run_from_its_own_checkpoint(make_run):
    run, other = make_run("eval_steps=1"), make_run(PRETRAINED)
    baseline = await sought(run)
    view = Selection.of(RunWatch(run).config, "best").moved(3).with_shots(-4)
    study = baseline.follow(view)
    assert study.due and study.watch.run == other
    assert (study.selection.task, study.selection.shots, study.selection.checkpoint) == (3, 6, "latest")
    assert baseline.remark.startswith(f"pretrained: {other.id} demo, ")


async def test_only_the_same_task_is_shown_beside(make_run, curve_answer, pictures_answer):
    run = make_run()
    make_run(PRETRAINED)
    baseline = await sought(run)
    assert baseline.losses(curve_answer()) == ()
    baseline.study.answer = curve_answer(loss=(9.0, 8.0, 7.0), iteration=3)
    assert baseline.losses(curve_answer()) == (9.0, 8.0, 7.0)
    assert baseline.answer(curve_answer()) is baseline.study.answer
    assert baseline.answer(curve_answer(truth=(2.0, -1.0, 0.4))) is None
    assert baseline.answer(curve_answer(support_x=(0.9,))) is None
    assert baseline.answer(pictures_answer(2, 1, 1)) is None


async def test_a_newer_one_takes_its_place_and_the_same_one_stays(make_run):
    baseline = Baseline(RunWatch(make_run()), os.environ)
    make_run(PRETRAINED)
    await baseline.seek()
    first = baseline.study
    await baseline.seek()
    assert baseline.study is first
    newer = make_run(PRETRAINED)
    await baseline.seek()
    assert baseline.study.watch.run == newer
