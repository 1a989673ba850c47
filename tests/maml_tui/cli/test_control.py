from __future__ import annotations

import os
import socket

import pytest

from engine.errors import MamlError, UsageError
from engine.runs.checkpoints import save_checkpoint
from engine.runs.control import acknowledge, pending
from engine.runs.events import RequestEvent
from engine.runs.journal import EventWriter
from engine.runs.processes import process_start
from engine.runs.status import read_status, write_status
from maml_tui.cli import control
from maml_tui.cli.control import ask

LIVE = {
    "state": "running",
    "pid": os.getpid(),
    "process_start": process_start(os.getpid()),
    "host": socket.gethostname(),
}


def answer(run, outcome, reason=""):
    """Do what a worker does with the oldest request."""
    (item,) = pending(run)
    with EventWriter(run.events) as events:
        events.write(RequestEvent(verb=item.verb, id="another", outcome="refused", reason="not this one"))
        events.write(RequestEvent(verb=item.verb, id=item.id, outcome=outcome, reason=reason))
    acknowledge(item)


def test_an_accepted_request_returns(new_run):
    run = new_run(**LIVE)
    ask(run, "pause", sleep=lambda _: answer(run, "accepted"))
    assert pending(run) == []


def test_a_refused_request_says_why(new_run):
    run = new_run(**LIVE)
    with pytest.raises(UsageError, match="refuses to pause: it is paused already"):
        ask(run, "pause", sleep=lambda _: answer(run, "refused", "it is paused already"))


def test_without_an_answer_the_request_stays(new_run):
    run = new_run(**LIVE)
    times = iter(range(100))
    with pytest.raises(MamlError, match="has not answered within 10 s"):
        ask(run, "checkpoint", clock=lambda: next(times), sleep=lambda _: None)
    assert len(pending(run)) == 1


def test_a_run_that_ends_instead_of_answering(new_run):
    run = new_run(**LIVE)

    def end(_):
        write_status(run, read_status(run).model_copy(update={"state": "done"}))

    with pytest.raises(MamlError, match="ended before it could answer"):
        ask(run, "pause", sleep=end)


@pytest.fixture
def asked(monkeypatch):
    """Record requests instead of leaving them."""
    found = []
    monkeypatch.setattr(control, "ask", lambda run, *request: found.append(request))
    return found


@pytest.mark.parametrize(
    ("words", "request_left"),
    [
        (["pause"], ("pause",)),
        (["ckpt"], ("checkpoint",)),
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
    assert maml(verb) == (
        2,
        "",
        f"maml: run {run.id} is done, not live: there is nothing to ask it for\n",
    )


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
    assert "it has no checkpoint" in questions[0]
    assert "iteration 1,500? all after iteration 1,000 is lost" in questions[1]


def test_stopping_now_and_killing_exclude_each_other(maml, new_run):
    new_run()
    assert maml("stop", "--now", "--kill")[0] == 2


def test_resume_continues_a_paused_run(maml, new_run, monkeypatch):
    found = []
    monkeypatch.setattr("maml_tui.cli.control.ask", lambda run, verb: found.append(verb))
    new_run(**{**LIVE, "state": "paused"})
    assert maml("resume")[0] == 0
    assert found == ["resume"]


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
