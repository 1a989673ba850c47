from __future__ import annotations

import json

import numpy as np
import pytest

from engine.errors import ResourceError
from engine.runs.result import Measured, Result, Scores, write_result, write_scores
from engine.services.messages import EvaluationReport
from engine.statistics.summary import summarise


@pytest.fixture
def report(measurement):
    """Make what was measured of a run's best parameters."""

    def make(scores):
        values = np.float32(scores)
        mean, ci95, _ = summarise(values)
        found = measurement(split="test", steps=5, mean=mean, ci95=ci95, tasks=len(values))
        measured = Measured(checkpoint="best", iteration=40, measurement=found)
        return EvaluationReport(
            run="x",
            measurements=(measured,),
            fingerprint={"data": "01"},
            scores=Scores.of(3, {"best": values}),
        )

    return make


@pytest.fixture
def finished(new_run, report):
    """Make a run that was measured at its end."""

    def make(name, scores):
        run = new_run(name, state="done", iteration=60, iterations=60, metric="accuracy", best=0.9)
        found = report(scores)
        result = Result(
            name=name,
            state="done",
            iterations=60,
            seconds=74,
            parameters_sha256="0" * 64,
            **found.model_dump(include={"run", "measurements", "fingerprint"}),
        )
        write_result(run.result, result)
        write_scores(run.scores, found.scores)
        return run

    return make


@pytest.fixture
def evaluator(service, report):
    """Stand in for the evaluator's process: keep what it is asked, report as many scores as asked for."""
    return service(lambda request: report(np.linspace(0, 1, request.overrides.tasks)))


def test_finished_runs_are_compared_as_they_were_measured(maml, finished):
    one, other = finished("one", [0.6, 0.7, 0.8, 0.9]), finished("two", [0.5, 0.6, 0.7, 0.7])
    code, out, err = maml("compare", "one", other.id)
    assert (code, err) == (0, "")
    assert out.splitlines()[0].split() == ["A", one.id, "B", other.id]
    assert "A - B  +12.50 ± 7.96 pp   0.015  A" in out
    assert "result of A, B: mean ± CI95 of 4 test tasks, 3 inner steps" in out


def test_as_json(maml, finished):
    finished("one", [0.6, 0.7, 0.8, 0.9]), finished("two", [0.5, 0.6, 0.7, np.nan])
    found = json.loads(maml("compare", "one", "two", "--json")[1], parse_constant=pytest.fail)
    assert [run["letter"] for run in found["runs"]] == ["A", "B"]
    assert found["runs"][0]["result"]["mean"] == pytest.approx(0.75)
    assert found["runs"][1]["result"]["mean"] is None
    assert found["runs"][0]["result"]["protocol"]["tasks"] == 4
    (pair,) = found["pairs"]
    assert pair["difference"] == {"mean": None, "ci95": None, "p": None, "tasks": 4, "not_finite": 1}
    assert pair["better"] is None and "diverged" in pair["obstacle"]
    assert found["differences"] == {}


def test_without_results_the_command_that_measures_is_named_and_works(maml, new_run, evaluator):
    one, other = new_run("one", best=0.5), new_run("two", best=0.5)
    out = maml("compare", "one", "two")[1]
    command = out.splitlines()[-1].rpartition(": ")[2]
    assert command == f"maml compare {one.id} {other.id} --tasks 100"
    assert evaluator == []
    code, out, err = maml(*command.split()[1:])
    assert code == 0
    assert "A - B 0.00 ± 0.00 pp 1.000 -" in " ".join(out.split())
    assert f"maml: measuring A {one.id} on 100 tasks" in err
    assert [asked.run for asked in evaluator] == [str(one.path), str(other.path)]
    first, second = (asked.overrides for asked in evaluator)
    assert first == second and first.tasks == 100 and first.scored == first.steps == 3


@pytest.mark.parametrize(
    ("option", "asked"),
    [
        (["--seed", "9"], {"seed": 9}),
        (["--steps", "5"], {"steps": 5, "scored": 5}),
        (["--split", "val"], {"split": "val"}),
        (["--shots", "2", "--queries", "3"], {"shots": 2, "queries": 3}),
        (["--mode", "inductive", "--at", "last"], {"mode": "inductive", "checkpoint": ("latest",)}),
        (["--device", "cpu"], {"device": "cpu"}),
    ],
)
def test_any_wish_measures_anew(maml, finished, evaluator, option, asked):
    finished("one", [0.1, 0.2]), finished("two", [0.1, 0.2])
    assert maml("compare", "one", "two", *option)[0] == 0
    assert len(evaluator) == 2 and asked.items() <= evaluator[1].overrides.model_dump().items()


def test_a_usual_device_is_no_wish_but_is_used(maml, finished, evaluator, monkeypatch):
    finished("one", [0.1, 0.2]), finished("two", [0.1, 0.2])
    monkeypatch.setenv("MAML_DEVICE", "cuda:1")
    maml("compare", "one", "two")
    assert evaluator == []
    maml("compare", "one", "two", "--tasks", "2")
    assert evaluator[0].overrides.device == "cuda:1"


def test_runs_that_cannot_meet_the_same_tasks_are_not_measured(maml, new_run, evaluator):
    new_run("one")
    other = new_run("two")
    other.config.write_text(other.config.read_text().replace("ways = 5", "ways = 3"))
    code, out, err = maml("compare", "one", "two", "--tasks", "9")
    assert (code, out, evaluator) == (2, "", [])
    assert err == "maml: A and B cannot meet the same tasks: ways N 5 and 3\n"


@pytest.mark.parametrize("names", [["one"], ["one", "one"], ["one", "@best"]])
def test_it_takes_two(maml, finished, names):
    finished("one", [0.1, 0.2])
    assert maml("compare", *names)[0] == 2


def test_an_evaluator_that_fails_is_quoted(maml, new_run, service):
    def fail(_):
        raise ResourceError("the data set is gone")

    new_run("one"), new_run("two")
    service(fail)
    code, out, err = maml("compare", "one", "two", "--tasks", "9")
    assert (code, out) == (3, "") and err.endswith("maml: the data set is gone\n")
