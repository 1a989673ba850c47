from __future__ import annotations

import json

import pytest
from run_folders import THIS_PROCESS, change_status

from engine.config.record import read_record
from engine.runs.index import list_runs
from engine.runs.result import Measured, Result, write_result
from engine.services.messages import EvaluationReport
from maml_tui.cli import reproduce


@pytest.fixture
def trained(monkeypatch, service, measurement):
    """Stand in for the workers and the evaluator: whatever is to be trained is complete at once, unless told."""
    worked = []

    def measured(mean):
        found = measurement(metric="mse", split="test", steps=10, mean=mean, ci95=0.05)
        return (Measured(checkpoint="best", iteration=1, measurement=found),)

    def finish(run, name, iterations):
        change_status(run, state="done", iteration=iterations, iterations=iterations)
        write_result(
            run.result,
            Result(
                run=run.id,
                name=name,
                state="done",
                iterations=iterations,
                seconds=1,
                parameters_sha256="0",
                measurements=measured(0.36),
            ),
        )

    def make(*codes):
        codes = list(codes)

        def work(run, record, display):
            worked.append((record.name, display.mode))
            code = codes.pop(0) if codes else 0
            if code == 0:
                finish(run, record.name, record.resolved.config.training.iterations)
            else:
                change_status(run, state="failed")
            return code

        monkeypatch.setattr(reproduce, "work", work)
        return worked

    def evaluate(request):
        shots = request.overrides.shots
        assert request.overrides.queries == shots
        return EvaluationReport(run="x", measurements=measured(shots / 10), fingerprint={})

    service(evaluate)
    return make


NAMES = [f"reproduce-sinusoid-10shot-{algorithm}-x0.01" for algorithm in ("maml", "pretrained", "oracle")]


def test_all_runs_are_trained_one_after_the_other_and_compared(maml, trained):
    worked = trained()
    code, out, err = maml("reproduce", "sinusoid", "--seeds", "1", "--scale", "0.01")
    assert code == 0 and [name for name, _ in worked] == NAMES
    assert [summary.status.name for summary in reversed(list_runs())] == NAMES
    lines = [line.split() for line in out.splitlines()]
    assert ["sinusoid", "5-shot"] in lines and ["sinusoid", "20-shot"] in lines
    heads = [line for line in lines if line[:1] == ["step"]]
    assert (
        heads
        == [["step", *(w for a in ("maml", "pretrained", "oracle") for w in (a, "median", "diverged"))]] * 3
    )
    row = next(line for line in lines if line[:2] == ["maml", "1"])
    assert row[2:7] == ["0.5000", "\u00b1", "0.0500", "0.67", "better"]
    assert "trained for 700 iterations, 0.01 times the published" in out
    assert "maml: run 2 of 3: reproduce-sinusoid-10shot-pretrained-x0.01" in err
    assert "of several seeds" not in out
    maml("reproduce", "sinusoid", "--seeds", "1", "--scale", "0.01")
    assert len(worked) == 3, "what is complete is not trained again"


def test_several_seeds_are_trained_and_put_together(maml, trained):
    worked = trained()
    maml("reproduce", "sinusoid", "--seeds", "1", "--scale", "0.01")
    code, out, err = maml("reproduce", "sinusoid", "--scale", "0.01")
    assert code == 0 and len(worked) == 9, "three seeds; one of them was there already"
    assert "run 9 of 9: reproduce-sinusoid-10shot-oracle-seed2-x0.01" in err
    lines = [line.split() for line in out.splitlines()]
    row = next(line for line in lines if line[:2] == ["maml", "1"])
    assert row[2:7] == ["0.5000", "\u00b1", "0.0000", "0.67", "better"]
    assert ["1", "0.5000", "\u00b1", "0.0000", "0.5000", "0", *["0.5000"] * 3] in [
        line[:6] + line[-3:] for line in lines
    ]
    assert "of several seeds: mean of their means" in out


def test_seeds_not_trained_yet_are_told(maml, trained):
    trained()
    maml("reproduce", "sinusoid", "--seeds", "2", "--scale", "0.01")
    out = maml("reproduce", "sinusoid", "--report", "--scale", "0.01")[1]
    assert "reproduce-sinusoid-10shot-maml-seed2-x0.01: not begun" in out
    assert "0.5000 0.5000" in out and "0.5000 0.5000 0.5000" not in out


def test_the_same_command_goes_on_where_it_was_interrupted(maml, trained):
    worked = trained(0, 130)
    code, out, err = maml("reproduce", "sinusoid", "--seeds", "1", "--scale", "0.01")
    assert (code, out) == (130, "") and err.endswith("maml: the same command goes on from here\n")
    runs = [summary.run for summary in list_runs()]
    assert maml("reproduce", "sinusoid", "--seeds", "1", "--scale", "0.01")[0] == 0
    assert [name for name, _ in worked] == [NAMES[0], NAMES[1], NAMES[1], NAMES[2]]
    assert set(runs) < {summary.run for summary in list_runs()} and len(list_runs()) == 3


def test_a_run_that_somebody_stopped_is_not_passed_over(maml, trained, monkeypatch):
    trained()
    monkeypatch.setattr(reproduce, "work", lambda *_: 0)
    assert maml("reproduce", "sinusoid")[0] == 0
    assert len(list_runs()) == 1


def test_a_report_trains_nothing(maml, trained):
    worked = trained()
    code, out, _ = maml("reproduce", "omniglot", "--report")
    assert code == 0 and worked == [] and list_runs() == []
    assert "reproduce-omniglot-20w5s-fomaml: not begun" in out
    assert "98.7 \u00b1 0.4" in out


def test_its_tables_fit_a_terminal_of_eighty_columns(maml, trained, monkeypatch):
    trained()
    monkeypatch.setattr(reproduce, "room", lambda: 80)
    out = maml("reproduce", "sinusoid")[1]
    notes = out.index("ours: best on validation")
    assert max(map(len, out[:notes].splitlines())) <= 80
    heads = [line.split() for line in out.splitlines() if line.startswith("step ")]
    assert [head[1] for head in heads] == ["maml", "pretrained", "oracle"] * 3


def test_json_holds_every_step_and_nothing_else(maml, trained):
    worked = trained()
    code, out, _ = maml("reproduce", "sinusoid", "--seeds", "2", "--json")
    found = json.loads(out)
    assert code == 0 and {mode.value for _, mode in worked} == {"silent"}
    assert [one["standing"] for one in found["runs"]] == ["complete"] * 6
    first = found["cells"][0]
    assert (first["task"], first["algorithm"]) == ("sinusoid 5-shot", "maml")
    assert [len(one["measurement"]["loss"]) for one in first["measured"]] == [11, 11]
    assert (len(first["steps"]), first["steps"][1]["ci95"]) == (11, 0.0)
    assert first["published"][0] == {
        "step": 1,
        "source": "Finn et al. 2017",
        "value": "0.67",
        "interval": [0.67, 0.67],
        "verdict": "better",
    }


def test_files_are_written_where_told(maml, trained, tmp_path, monkeypatch):
    trained()
    monkeypatch.setattr(reproduce, "adapted_curves", lambda *_: [])
    folder = tmp_path / "new" / "figures"
    code, _, err = maml("reproduce", "sinusoid", "--out", str(folder))
    assert code == 0
    names = {file.name for file in folder.iterdir()}
    assert names == {"sinusoid.csv"} | {
        f"sinusoid-{shots}shot-error.{kind}" for shots in (5, 10, 20) for kind in ("svg", "png", "csv")
    }
    assert all(f"wrote {folder / name}" in err for name in names)
    assert (
        (folder / "sinusoid.csv")
        .read_text()
        .startswith("task,iterations,seeds,algorithm,step,ours,published,verdict,source\n")
    )


def test_without_a_table_all_are_listed(maml, trained):
    trained()
    maml("reproduce", "sinusoid", "--seeds", "1", "--scale", "0.01")
    out = maml("reproduce", "--scale", "0.01")[1]
    assert [line.split()[:4] for line in out.splitlines()[1:]] == [
        ["sinusoid", "3", "of", "9"],
        ["omniglot", "0", "of", "8"],
        ["miniimagenet", "0", "of", "4"],
    ]
    assert json.loads(maml("reproduce", "--seeds", "1", "--json")[1])[0]["complete"] == "0 of 3"


def test_a_live_run_is_not_disturbed(maml, trained):
    trained(1)
    maml("reproduce", "sinusoid")
    run = list_runs()[0].run
    change_status(run, state="running", **THIS_PROCESS)
    code, _, err = maml("reproduce", "sinusoid")
    assert code == 2 and f"run {run.id} is running: follow it with `maml attach {run.id}`" in err
    assert read_record(run.config).name == "reproduce-sinusoid-10shot-maml"
