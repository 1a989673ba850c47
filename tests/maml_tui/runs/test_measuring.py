from __future__ import annotations

import json
import subprocess
import sys

import pytest

from engine.errors import DivergedError, MamlError, ResourceError, UsageError
from engine.runs.directory import RunDirectory
from maml_tui.runs.measuring import evaluator_command, measure, read_report, same_for_all


def test_the_evaluator_is_this_programs_own(tmp_path):
    command = evaluator_command(RunDirectory(tmp_path), {"tasks": 9})
    assert command[:5] == [sys.executable, "-P", "-m", "engine.services.evaluate", str(tmp_path)]
    assert json.loads(command[5]) == {"tasks": 9}


def test_a_report_is_read(configured, report, monkeypatch, tmp_path):
    expected = report(configured("smoke"), [0.5, 0.25])
    answer = subprocess.CompletedProcess([], 0, expected.model_dump_json(), "a warning")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: answer)
    assert measure(RunDirectory(tmp_path), {}) == expected


@pytest.mark.parametrize(
    ("status", "errors", "kind", "sentence"),
    [
        (1, "it broke\n", MamlError, "it broke"),
        (2, "a warning\nno such step\n", UsageError, "no such step"),
        (3, "no data\x1b[2J", ResourceError, r"no data\\x1b\[2J"),
        (4, "diverged", DivergedError, "diverged"),
        (-9, "", MamlError, "exit status -9"),
        (0, "", MamlError, "cannot be understood"),
    ],
)
def test_a_failure_is_told_in_its_words(status, errors, kind, sentence):
    with pytest.raises(kind, match=sentence):
        read_report(status, "{", errors)


def test_all_runs_meet_the_tasks_of_the_first(configured):
    config = configured("smoke", "eval_tasks=70", "eval_seed=9", "shots=2", "eval_queries=4")
    assert same_for_all(config, "last", {"tasks": 500, "steps": None, "device": None}) == {
        "tasks": 500,
        "steps": config.evaluation.eval_steps,
        "scored": config.evaluation.eval_steps,
        "shots": 2,
        "queries": 4,
        "seed": 9,
        "mode": "transductive",
        "checkpoint": ["latest"],
    }


def test_the_steps_asked_for_are_those_scored_and_a_regression_has_no_mode(configured):
    overrides = same_for_all(configured("sinusoid-10shot"), "best", {"steps": 4})
    assert (overrides["scored"], overrides["checkpoint"]) == (4, ["best"])
    assert "mode" not in overrides
