from __future__ import annotations

from functools import partial

import pytest
from run_folders import THIS_PROCESS, answer_request, change_status

from engine.runs.checkpoints import save_checkpoint
from engine.runs.control import Outcome
from maml_tui.cli import control

LIVE = {"state": "running", **THIS_PROCESS}


@pytest.fixture
def asked(monkeypatch):
    """Record requests instead of sending them; each is accepted."""
    found = []

    def ask(run, verb, mode=None):
        found.append((verb, mode))
        return verb

    monkeypatch.setattr(control.control, "ask", ask)
    monkeypatch.setattr(
        control.control, "wait", lambda request: Outcome("accepted", f"run 7f3a: {request} accepted")
    )
    return found


@pytest.mark.parametrize(
    ("words", "request_left"),
    [
        (["pause"], ("pause", None)),
        (["ckpt"], ("checkpoint", None)),
        (["stop"], ("stop", "graceful")),
        (["stop", "@last", "--now"], ("stop", "now")),
    ],
)
def test_each_verb_asks_for_its_own(maml, new_run, asked, words, request_left):
    new_run()
    code, out, err = maml(*words)
    assert (code, out, asked) == (0, "", [request_left])
    assert err.startswith("maml: run ")


@pytest.mark.parametrize("verb", ["pause", "ckpt", "stop"])
def test_an_ended_run_cannot_be_asked(maml, new_run, verb):
    run = new_run(state="done")
    code, out, err = maml(verb)
    assert (code, out) == (2, "")
    assert f"run {run.id} is done" in err


@pytest.mark.parametrize(("outcome", "code"), [("accepted", 0), ("refused", 2), ("no answer", 1)])
def test_the_exit_code_is_that_of_the_outcome(maml, new_run, monkeypatch, outcome, code):
    run = new_run(**LIVE)

    def work(_):
        if outcome == "no answer":
            change_status(run, state="done")
        else:
            answer_request(run, outcome, "it is paused already")

    monkeypatch.setattr(control.control, "wait", partial(control.control.wait, sleep=work))
    assert maml("pause")[0] == code


def test_killing_needs_a_yes_where_nobody_can_be_asked(maml, new_run, monkeypatch):
    killed = []
    monkeypatch.setattr(control, "kill_worker", killed.append)
    run = new_run(**LIVE)
    code, _, err = maml("stop", "--kill")
    assert (code, killed) == (2, [])
    assert "--yes" in err
    assert maml("stop", "--kill", "--yes")[0] == 0
    assert killed == [run]


def test_a_person_is_told_what_killing_loses(maml, new_run, monkeypatch):
    questions = []
    monkeypatch.setattr(control, "kill_worker", lambda run: None)
    monkeypatch.setattr(control, "is_terminal", lambda stream: True)
    monkeypatch.setattr("typer.confirm", lambda question, **_: questions.append(question))
    run = new_run(**LIVE, iteration=1500)
    maml("stop", "--kill")
    save_checkpoint(run, 1000, b"x", ["latest"])
    maml("stop", "--kill")
    assert "no checkpoint" in questions[0]
    assert all(number in questions[1] for number in ("1,500", "1,000", "500 it"))


def test_stopping_now_and_killing_exclude_each_other(maml, new_run):
    new_run()
    assert maml("stop", "--now", "--kill")[0] == 2


def test_resume_continues_a_paused_run(maml, new_run, asked):
    new_run(**{**LIVE, "state": "paused"})
    assert maml("resume")[0] == 0
    assert asked == [("resume", None)]


def test_what_cannot_be_resumed_says_why(maml, new_run):
    running = new_run(**LIVE)
    assert f"maml attach {running.id}" in maml("resume", running.id)[2]
    done = new_run(state="done", iteration=60)
    done.result.write_text("{}")
    assert "nothing to resume" in maml("resume", done.id)[2]


def test_resume_starts_a_worker_on_what_can_be_resumed(maml, new_run, monkeypatch):
    monkeypatch.setattr("maml_tui.cli.control.work", lambda run, record, display: 4)
    run = new_run(state="lost", iteration=60)
    save_checkpoint(run, 60, b"x", ["latest"])
    assert maml("resume", run.id)[0] == 4
