from __future__ import annotations

import json

import pytest

from engine.runs.events import FinishedEvent
from engine.runs.index import list_runs
from engine.runs.journal import EventWriter
from engine.runs.result import Measured, Result, write_result
from engine.runs.status import Status
from maml_tui.cli import complete
from maml_tui.cli.runs import row


@pytest.fixture
def finished(new_run, measurement):
    """A run that was measured at its end."""
    run = new_run(
        state="done",
        reason="all iterations done",
        iteration=60,
        iterations=60,
        metric="accuracy",
        best=0.93125,
        best_ci95=0.0071,
        seconds=74,
    )
    measured = Measured(checkpoint="best", iteration=40, measurement=measurement(split="test", steps=5))
    result = Result(
        run=run.id,
        name="demo",
        state="done",
        iterations=60,
        seconds=74,
        parameters_sha256="0" * 64,
        measurements=(measured,),
        fingerprint={"data": "0123456789"},
    )
    write_result(run.result, result)
    with EventWriter(run.events) as events:
        events.write(FinishedEvent(state="done", iteration=60, seconds=74, reason="all iterations done"))
    return run


def test_no_runs_yet(maml):
    code, out, err = maml("runs", "ls")
    assert (code, out) == (0, "")
    assert "maml train smoke" in err


def test_runs_are_listed(maml, finished):
    out = maml("runs", "ls")[1]
    assert out.splitlines()[0].split("  ")[0] == "id"
    assert "93.12 ± 0.71 %" in out.splitlines()[1]
    assert "\x1b" not in out


def test_a_row_of_a_run_that_never_began():
    status = Status(name="", state="lost", created=0.0, heartbeat=0.0)
    assert row("7f3a", status, now=60.0)[:6] == ("7f3a", "-", "lost", "0/-", "-", "-")


def test_a_row_of_a_regression():
    status = Status(
        name="sin",
        state="done",
        created=0.0,
        heartbeat=0.0,
        iteration=70000,
        iterations=70000,
        metric="mse",
        best=0.031,
        best_ci95=0.004,
        seconds=240,
    )
    assert row("3e9a", status, now=60.0)[3:5] == ("70,000/70,000", "0.03100 ± 0.00400 mse")


def test_runs_as_json(maml, finished):
    (listed,) = json.loads(maml("runs", "ls", "--json")[1])
    assert (listed["id"], listed["state"], listed["iteration"]) == (finished.id, "done", 60)


def test_a_run_is_shown_with_its_result(maml, finished):
    code, out, _ = maml("runs", "show")
    assert code == 0
    assert f"{finished.id} demo  done: all iterations done" in out
    assert "configuration: as preset smoke" in out
    assert "3*    93.12 ± 0.71" in out
    assert "command    maml train smoke" in out


def test_a_run_is_shown_as_json(maml, finished):
    shown = json.loads(maml("runs", "show", "--json")[1])
    assert shown["config"]["task"]["ways"] == 5
    assert shown["result"]["measurements"][0]["checkpoint"] == "best"
    assert "events.jsonl" in shown["files"]


def test_a_run_that_was_not_measured_has_no_result(maml, new_run):
    new_run()
    assert json.loads(maml("runs", "show", "--json")[1])["result"] is None
    assert "published" not in maml("runs", "show")[1]


def test_the_path_of_a_run(maml, finished):
    assert maml("runs", "path", finished.id)[:2] == (0, f"{finished.path}\n")


def test_deleting_needs_a_yes_where_nobody_can_be_asked(maml, finished):
    assert maml("runs", "rm", finished.id)[0] == 2
    assert len(list_runs()) == 1
    assert maml("runs", "rm", finished.id, "@last", "--yes")[0] == 0
    assert list_runs() == []


def test_attach_replays_a_finished_run_and_its_result(maml, finished):
    code, out, err = maml("attach")
    assert code == 0
    assert out.startswith("finished iter=60")
    assert "93.12 ± 0.71" in out
    assert "done: all iterations done" in err


@pytest.mark.parametrize(("state", "code"), [("failed", 1), ("diverged", 4)])
def test_attach_ends_as_the_run_did(maml, new_run, state, code):
    new_run(state=state, reason="it went wrong.")
    found = maml("attach", "-q")
    assert (found[0], found[1]) == (code, "")
    assert f"{state}: it went wrong" in found[2]


def test_interrupting_attach_only_detaches(maml, finished, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("maml_tui.cli.attach.follow", interrupted)
    code, _, err = maml("attach")
    assert code == 0
    assert f"detached; run {finished.id} goes on" in err


def test_an_unknown_run(maml, finished):
    code, _, err = maml("runs", "show", "zzzz")
    assert code == 2
    assert "zzzz" in err


def test_the_shell_is_offered_runs_presets_and_options(finished):
    assert ("@last", "the newest run") in complete.runs("")
    assert complete.runs(finished.id) == [(finished.id, "demo")]
    assert complete.presets("smo") == ["smoke"]
    assert complete.settings("meta_l") == [("meta_lr=", "meta lr")]
