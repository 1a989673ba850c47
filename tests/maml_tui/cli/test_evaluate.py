from __future__ import annotations

import json
import subprocess

import pytest

from engine.runs.result import Measured


@pytest.fixture
def evaluator(monkeypatch):
    """Stand in for the evaluator's process: keep its command, end as told."""
    commands = []

    def end_with(code=0, out="", err=""):
        def run(command, **_):
            commands.append(command)
            return subprocess.CompletedProcess(command, code, out, err)

        monkeypatch.setattr(subprocess, "run", run)
        return commands

    return end_with


@pytest.fixture
def report(measurement):
    measured = Measured(checkpoint="last", iteration=60, measurement=measurement(split="val", steps=5))
    return {
        "run": "7f3a",
        "measurements": [measured.model_dump(mode="json")],
        "fingerprint": {"data": "0123456789"},
        "scores": None,
    }


def test_only_what_was_asked_for_overrides_the_run(maml, new_run, evaluator, report):
    run = new_run()
    commands = evaluator(out=json.dumps(report))
    code, out, _ = maml(
        "eval", run.id, "--tasks", "10", "--split", "val", "--checkpoint", "latest", "--seed", "7"
    )
    assert code == 0
    assert commands[0][1:5] == ["-P", "-m", "engine.evaluation", str(run.path)]
    assert json.loads(commands[0][5]) == {"checkpoint": ["latest"], "split": "val", "tasks": 10, "seed": 7}
    assert "3*    93.12 ± 0.71" in out


def test_json_is_the_evaluators_report(maml, new_run, evaluator, report):
    new_run()
    evaluator(out=json.dumps(report))
    assert json.loads(maml("eval", "@last", "--json")[1]) == report


@pytest.mark.parametrize("code", [1, 2, 3, 4])
def test_a_failure_is_told_in_the_evaluators_words(maml, new_run, evaluator, code):
    new_run()
    evaluator(code, err="a warning\nthe data set is gone\n")
    assert maml("eval", "@last") == (code, "", "maml: the data set is gone\n")


def test_an_evaluator_that_dies_silently(maml, new_run, evaluator):
    new_run()
    evaluator(-9)
    assert maml("eval", "@last") == (1, "", "maml: the evaluation ended with exit status -9\n")
