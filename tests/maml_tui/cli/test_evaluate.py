from __future__ import annotations

import json

import pytest

from engine.errors import DivergedError, MamlError, ResourceError, UsageError
from engine.runs.result import Measured
from engine.services.messages import EvaluationReport, Overrides


@pytest.fixture
def evaluator(service):
    """Stand in for the evaluator's process: keep what it is asked, report as told."""

    def end_with(report=None, error=None):
        def answer(_):
            if error:
                raise error
            return EvaluationReport.model_validate(report)

        return service(answer)

    return end_with


@pytest.fixture
def report(measurement):
    measured = Measured(checkpoint="last", iteration=60, measurement=measurement(split="val", steps=5))
    return {
        "run": "7f3a",
        "measurements": [measured.model_dump(mode="json")],
        "fingerprint": {"data": "0123456789"},
        "data": None,
        "scores": None,
    }


def test_only_what_was_asked_for_overrides_the_run(maml, new_run, evaluator, report):
    run = new_run()
    commands = evaluator(report)
    code, out, _ = maml(
        "eval", run.id, "--tasks", "10", "--split", "val", "--checkpoint", "latest", "--seed", "7"
    )
    assert code == 0
    overrides = Overrides(checkpoint=("latest",), split="val", tasks=10, seed=7)
    assert (commands[0].run, commands[0].overrides) == (str(run.path), overrides)
    assert "3*    93.12 ± 0.71" in out


def test_the_last_run_is_meant_where_none_is_named(maml, new_run, evaluator, report):
    new_run()
    commands = evaluator(report)
    run = new_run()
    assert maml("eval", "--shots", "5")[0] == 0
    assert commands[0].run == str(run.path)


def test_json_is_the_evaluators_report(maml, new_run, evaluator, report):
    new_run()
    evaluator(report)
    assert json.loads(maml("eval", "@last", "--json")[1]) == report


@pytest.mark.parametrize("kind", [MamlError, UsageError, ResourceError, DivergedError])
def test_a_failure_is_told_in_the_evaluators_words(maml, new_run, evaluator, kind):
    new_run()
    evaluator(error=kind("the data set is gone"))
    assert maml("eval", "@last") == (kind.exit_code, "", "maml: the data set is gone\n")


def test_a_value_out_of_range_starts_nothing(maml, new_run, evaluator):
    new_run()
    asked = evaluator()
    code, out, err = maml("eval", "@last", "--shots", "1,0")
    assert (code, out, asked) == (2, "", []) and "shots = 0" in err


def test_several_protocols_are_one_table(maml, new_run, evaluator, report):
    run = new_run()
    commands = evaluator(report)
    code, out, _ = maml(
        "eval", run.id, "--queries", "2, 15", "--mode", "transductive,inductive", "--tasks", "9"
    )
    assert code == 0
    asked = [command.overrides for command in commands]
    assert [(one.queries, one.mode, one.tasks) for one in asked] == [
        (2, "transductive", 9),
        (2, "inductive", 9),
        (15, "transductive", 9),
        (15, "inductive", 9),
    ]
    lines = [line.split() for line in out.splitlines()]
    assert lines[0] == ["queries", "mode", "checkpoint", "step", "accuracy", "%", "diverged"]
    assert lines[4] == ["15", "inductive", "last", "3", "93.12", "\u00b1", "0.71", "0"]
    assert "600 tasks, split val, shots 1, seed 1234, data 01234567" in out


def test_several_protocols_as_json_are_a_list(maml, new_run, evaluator, report):
    new_run()
    evaluator(report)
    assert json.loads(maml("eval", "@last", "--split", "val,test", "--json")[1]) == [report, report]


def test_what_is_no_choice_is_said(maml, new_run, evaluator):
    new_run()
    commands = evaluator()
    assert maml("eval", "@last", "--mode", "both") == (
        2,
        "",
        "maml: --mode both: choose transductive or inductive, with commas between several\n",
    )
    assert "--shots 1,x: choose whole numbers" in maml("eval", "@last", "--shots", "1,x")[2]
    assert commands == []


def test_ensembles_are_a_column_beside_other_choices(maml, new_run, evaluator, report):
    new_run()
    together = {**report["measurements"][0], "checkpoint": "ensemble", "members": [60, 40]}
    commands = evaluator({**report, "measurements": [together]})
    out = maml("eval", "@last", "--ensemble", "1,2", "--mode", "inductive")[1]
    asked = [command.overrides for command in commands]
    assert asked == [Overrides(mode="inductive", ensemble=count) for count in (1, 2)]
    assert out.splitlines()[1].split()[:4] == ["1", "ensemble", "of", "2"]
    out = maml("eval", "@last", "--ensemble", "2")[1]
    assert "ensemble of 2 accuracy %" in out
    assert "the mean of the probabilities that the best on validation predict, iterations 60, 40" in " ".join(
        out.split()
    )


def test_an_ensemble_is_not_one_checkpoint(maml, new_run, evaluator):
    new_run()
    commands = evaluator()
    code, _, err = maml("eval", "@last", "--ensemble", "5", "--checkpoint", "latest")
    assert (code, commands) == (2, [])
    assert "leave out --checkpoint or --ensemble" in err


def test_other_data_are_asked_for_and_told(maml, new_run, evaluator, report):
    new_run()
    commands = evaluator({**report, "data": "omniglot"})
    out = maml("eval", "@last", "--data", "omniglot")[1]
    assert commands[0].overrides.data == "omniglot"
    assert "trained on strokes, measured on omniglot" in out and "published" not in out
