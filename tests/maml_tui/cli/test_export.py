from __future__ import annotations

import csv
import json
import tomllib

import pytest

from engine.config.record import read_record
from engine.config.toml import config_tables, write_toml
from engine.runs.journal import EventWriter
from engine.runs.result import Measured, Result, write_result
from engine.services.apply_messages import Exported, Facts


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """Nothing is written into the folder of the tests."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def finished(new_run, measurement, train_event):
    run = new_run("demo")
    with EventWriter(run.events) as events:
        events.write(train_event(3))
    measured = Measured(checkpoint="best", iteration=60, measurement=measurement(split="test", steps=5))
    usual = {"name": "demo", "state": "done", "iterations": 60, "seconds": 7, "parameters_sha256": "0"}
    write_result(run.result, Result(run=run.id, measurements=(measured,), **usual))
    return run


@pytest.fixture
def process(service, smoke):
    """Stand in for the process that writes the model."""
    config = write_toml(config_tables(smoke.config))
    facts = Facts(name="demo", checkpoint="best", iteration=60, parameters=9, sha256="ab", config=config)
    return service(lambda _: Exported(facts=facts))


def test_a_model_is_written_with_its_card(maml, finished, process, here):
    code, out, err = maml("export", "demo", "--what", "model")
    assert (code, out) == (0, "")
    (job,) = process
    assert (job.origin.run, job.file, job.force, job.with_paths) == (
        str(finished.path),
        "demo.safetensors",
        False,
        False,
    )
    assert (here / "demo.md").read_text().startswith("# demo\n")
    assert "use it with: maml adapt demo.safetensors" in err
    code, _, err = maml("export", "demo", "--what", "model")
    assert code == 2 and err == "maml: demo.md exists: add --force to replace it\n" and len(process) == 1
    options = ("-o", "x.safetensors", "--checkpoint", "latest", "--with-paths", "--force")
    assert maml("export", "demo", "--what", "model", *options)[0] == 0
    assert (process[1].origin.checkpoint, process[1].with_paths, process[1].force) == ("latest", True, True)


def test_the_configuration_starts_the_same_run_again(maml, finished):
    code, out, _ = maml("export", "demo", "--what", "config")
    assert code == 0
    assert tomllib.loads(out) == config_tables(read_record(finished.config).resolved.config)
    maml("export", "demo", "--what", "config", "-o", "mine.toml")
    assert maml("presets", "validate", "mine.toml")[0] == 0
    maml("export", "demo", "--what", "config", "-o", "mine.json")


def test_metrics_are_rows(maml, finished, here):
    out = maml("export", "demo", "--what", "metrics")[1]
    (row,) = csv.DictReader(out.splitlines())
    assert (row["kind"], row["iteration"], row["loss"], row["step"]) == ("train", "3", "0.236", "")
    maml("export", "demo", "--what", "metrics", "-o", "m.json")
    assert json.loads((here / "m.json").read_text())[0]["loss"] == 0.236


def test_results_are_a_table(maml, finished, here):
    assert "| **3** | **93.12 ± 0.71** | **0** |" in maml("export", "demo", "--what", "table")[1]
    maml("export", "demo", "--what", "table", "-o", "t.csv")
    assert (here / "t.csv").read_text().splitlines()[4] == "3*,93.12 ± 0.71,0"
    maml("export", "demo", "--what", "table", "-o", "t.json")
    assert json.loads((here / "t.json").read_text())["measurements"][0]["iteration"] == 60


@pytest.mark.parametrize(
    ("arguments", "code", "expected"),
    [
        (["table", "-o", "x.txt"], 2, "x.txt: --what table is written as md or csv or json"),
        (["model", "-o", "x.pt"], 2, "let the name end in .safetensors"),
        (["config", "--with-paths"], 2, "--what config has no use for"),
        (["table"], 3, "has no result yet"),
        (["config", "-o", "there.toml"], 2, "there.toml exists: add --force"),
        (["config", "-o", "no/such/folder.toml"], 3, "no such file"),
    ],
)
def test_what_cannot_be_written_is_told(maml, new_run, here, arguments, code, expected):
    new_run("demo")
    (here / "there.toml").write_text("")
    found = maml("export", "demo", "--what", *arguments)
    assert found[:2] == (code, "") and expected in found[2]
