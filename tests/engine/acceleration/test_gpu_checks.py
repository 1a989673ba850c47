"""The GPU checks in their smallest form on the CPU, so that they follow the modules they call."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
import torch

FOLDER = Path(__file__).parents[2] / "benchmarks" / "gpu"
TOLERANCE = 1e-10

pytestmark = [
    pytest.mark.timeout(240),
    pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash"),
]


@pytest.fixture
def check(tmp_path):
    """Run stages and return the exit code and the rows of the last one: `check("--dry", "parity", ONLY=...)`."""

    def run(*arguments, **environment):
        folders = {"OUT": str(tmp_path / "out"), "MAML_DATA_DIR": str(tmp_path / "data")}
        ended = subprocess.run(
            ["bash", FOLDER / "gpu_check.sh", *arguments],
            env={**os.environ, "PYTHON": sys.executable, **folders, **environment},
            cwd=tmp_path,
            capture_output=True,
        )
        file = tmp_path / "out" / f"{arguments[-1]}.json"
        return ended.returncode, json.loads(file.read_text()) if file.exists() else []

    return run


def failures(rows):
    return [row for row in rows if row.get("wrong") or row.get("problem")]


def test_parity(check):
    code, rows = check("--dry", "parity", ONLY="sinusoid")
    by_check = {row["check"]: row for row in rows}
    assert (code, failures(rows)) == (0, [])
    assert by_check.keys() >= {"episodes", "gradients", "recording", "evaluation"}
    gradients = by_check["gradients"]
    assert all(gradients[way] <= TOLERANCE for way in ("loop", "vmap", "vmap in chunks", "vmap recomputed"))
    assert "skipped" in by_check["recording"]


def test_iterations_of_the_prototype(check):
    code, rows = check("--dry", "iterations", ONLY="W1q1")
    errors = {row["design"]: row["small_error"] for row in rows if row.get("workload") == "W1q1"}
    assert (code, failures(rows)) == (0, [])
    assert errors["vmap fp32"] <= TOLERANCE
    assert errors["by hand, bmm fp32"] <= TOLERANCE


def test_layers(check):
    code, rows = check("--dry", "layers", ONLY="W1q1.1")
    assert (code, failures(rows)) == (0, [])
    assert [row["gap"] <= TOLERANCE for row in rows if "gap" in row] == [True]
    errors = {row["way"]: max(row["error"]) for row in rows if "error" in row}
    assert errors.keys() >= {"grouped fp32", "patches fp32"}
    assert max(errors.values()) < 1e-5


def test_bench(check):
    code, rows = check("--dry", "bench", ONLY="W3")
    measured = [row for row in rows if "skipped" not in row]
    assert (code, failures(rows)) == (0, [])
    assert {row["contestant"] for row in measured} == {"maml-tui", "autograd loop"}
    assert all(row["ms"] > 0 and row["difference"] <= TOLERANCE for row in measured)


def test_training(check, tmp_path):
    run = "sinusoid:sinusoid-10shot:iterations=4,eval_every=2,val_tasks=3,eval_tasks=3"
    code, (row,) = check("--dry", "environment", "train", RUNS=run)
    assert (code, row["state"], row["iteration"], row["exit"]) == (0, "done", 4, 0)
    with tarfile.open(tmp_path / "out" / "train.tar.gz") as packed:
        names = {Path(name).name for name in packed.getnames()}
    assert names >= {"config.toml", "events.jsonl", "result.json", "latest.json"}


def test_unknown_stage_is_refused(check):
    assert check("--dry", "no-such-stage") == (2, [])


def test_only_that_names_nothing_is_a_failure(check):
    assert check("--dry", "layers", ONLY="no-such-layer") == (1, [])


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_checks_without_a_gpu_fail(check):
    assert check("layers") == (1, [])


@pytest.mark.parametrize(
    ("row", "code"), [({"wrong": True}, 1), ({"problem": "RuntimeError: x"}, 1), ({"wrong": False}, 0)]
)
def test_summary_tells_failures_by_its_exit_code(tmp_path, row, code):
    (tmp_path / "parity.json").write_text(json.dumps([row]))
    ended = subprocess.run(
        [sys.executable, FOLDER / "summary.py"], env={**os.environ, "OUT": str(tmp_path)}, capture_output=True
    )
    assert ended.returncode == code
