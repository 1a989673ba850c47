"""A finished run evaluated by another protocol, without a trace in it."""

from __future__ import annotations

import numpy as np
import pytest

from engine.config.record import RunRecord
from engine.config.resolve import ResolvedConfig
from engine.data.store import make_image_set, save
from engine.errors import UsageError
from engine.runs.directory import create_run
from engine.runs.events import EvaluationEvent
from engine.runs.journal import EventReader
from engine.runs.launch import start_worker
from engine.runs.result import read_result, read_scores
from engine.services.client import ask
from engine.services.evaluate import answer
from engine.services.messages import EVALUATE, EvaluateRequest, Overrides


@pytest.fixture
def finished(small, tmp_path):
    """Return `finished(kind, *overrides)`: a tiny run that a worker has trained to its end."""

    def make(kind, *overrides):
        record = RunRecord(ResolvedConfig(small(kind, *overrides)), "test", "cpu")
        run = create_run("test", record.to_toml, root=tmp_path / "runs")
        assert start_worker(run).wait() == 0, run.log.read_text()
        return run

    return make


def evaluated(run, **overrides):
    return answer(EvaluateRequest(run=str(run.path), overrides=Overrides.of(overrides)))


def test_another_protocol_in_a_process_of_its_own_leaves_no_trace(finished):
    run = finished("sinusoid")
    before = {path: path.read_bytes() for path in run.path.rglob("*") if path.is_file()}
    overrides = Overrides(shots=5, tasks=9, steps=1, checkpoint=("latest",))
    (measured,) = ask(EVALUATE, EvaluateRequest(run=str(run.path), overrides=overrides)).measurements
    assert measured.checkpoint == "last" and measured.measurement.protocol.shots == 5
    assert {path: path.read_bytes() for path in run.path.rglob("*") if path.is_file()} == before
    with pytest.raises(UsageError, match="leave out the mode"):
        evaluated(run, mode="inductive")


@pytest.mark.parametrize("wrong", [{"task": 9}, {"tasks": 1}, {"split": "train"}, {"checkpoint": ["worst"]}])
def test_overrides_that_make_no_sense_are_told_by_name(wrong):
    with pytest.raises(UsageError, match=next(iter(wrong))):
        Overrides.of(wrong)


def test_the_same_protocol_gives_the_result_again(finished):
    run = finished("strokes")
    report = evaluated(run)
    assert report.measurements == read_result(run.result).measurements and report.scores is None
    scores = read_scores(run.scores)
    assert evaluated(run, scored=scores.step).scores == scores
    with pytest.raises(UsageError, match="last of 8 steps"):
        evaluated(run, scored=9, steps=8)


@pytest.mark.parametrize(
    ("classes", "overrides", "remedy"),
    [
        (3, {}, "choose data with more classes"),
        (90, {"queries": 9}, "lower shots or queries, or choose data with more pictures of a class"),
    ],
)
def test_other_data_that_do_not_suffice(finished, monkeypatch, tmp_path, classes, overrides, remedy):
    monkeypatch.setenv("MAML_DATA_DIR", str(tmp_path / "data"))
    names, counts = [f"c{number:02}" for number in range(classes)], [8] * classes
    images = np.zeros((sum(counts), 1, 28, 28), dtype=np.uint8)
    save(make_image_set("few", images, names, counts, "made by a test"))
    with pytest.raises(UsageError, match=f"{remedy}$"):
        evaluated(finished("strokes"), data="few", **overrides)


def test_the_best_checkpoints_are_evaluated_together(finished):
    run = finished("strokes", "iterations=12", "keep_best=2")
    values = {
        event.iteration: event.measurement.series[-1].mean
        for event in EventReader(run.events).read()
        if isinstance(event, EvaluationEvent) and event.split == "val"
    }
    best = sorted(values, key=lambda iteration: (-values[iteration], iteration))[:2]
    assert len(values) == 4
    report = evaluated(run, ensemble=2, scored=1)
    (measured,) = report.measurements
    assert (measured.checkpoint, measured.members) == ("ensemble", tuple(best))
    assert measured.measurement.protocol.ensemble == 2
    assert len(report.scores.tasks["ensemble"]) == 4
    (alone,) = evaluated(run, ensemble=1).measurements
    assert alone == read_result(run.result).measurements[0]
    with pytest.raises(UsageError, match="keep_best = 3"):
        evaluated(run, ensemble=3)


def test_an_ensemble_of_more_than_there_are_yet(finished):
    run = finished("strokes", "iterations=3", "keep_best=5")
    with pytest.raises(UsageError, match="has 1 of its best checkpoints"):
        evaluated(run, ensemble=3)
