from __future__ import annotations

import json

import pytest

from engine.runs.events import FinishedEvent
from engine.runs.index import list_runs
from engine.runs.journal import EventWriter
from engine.runs.result import Measured, Result, write_result
from maml_tui.cli.arguments import complete_presets, complete_runs, complete_settings
from maml_tui.runs.terms import run_keys


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


def test_in_a_terminal_runs_have_the_columns_that_fit(maml, finished, terminal):
    everything = maml("runs", "ls")[1]
    for columns, kept in ((200, "tags"), (80, "vs best"), (40, "best val ± CI95"), (10, "id")):
        terminal(columns)
        heading, row = maml("runs", "ls")[1].splitlines()
        assert kept in heading
        assert max(len(heading), len(row)) <= columns
    assert everything.splitlines()[0].endswith("tags")


def test_runs_are_asked_for(maml, new_run):
    done, lost = new_run("first", state="done", iteration=60), new_run("second", state="lost")
    maml("runs", "tag", done.id, "paper")

    def listed(*query):
        return [line.split()[0] for line in maml("runs", "ls", *query)[1].splitlines()[1:]]

    assert sorted(listed()) == sorted([done.id, lost.id])
    assert listed("state:lost", "ways:5") == [lost.id]
    assert listed("-tag:paper") == [lost.id]
    assert listed("--", "-state:lost") == [done.id]
    assert listed("first it>=60 tag:paper") == [done.id]


def test_a_query_that_nothing_fits(maml, finished):
    code, out, err = maml("runs", "ls", "-name:demo")
    assert (code, out) == (0, "")
    assert "none of 1 runs is like that" in err
    assert maml("runs", "ls", "zzz", "--json")[1] == "[]\n"


def test_a_query_that_cannot_be_understood(maml, finished):
    code, _, err = maml("runs", "ls", "way:5")
    assert (code, err) == (2, "maml: way:5: no key is called way (did you mean ways?)\n")


def test_the_help_names_every_key(maml):
    words = set(maml("runs", "ls", "-h")[1].replace(",", " ").split())
    assert run_keys(0.0).keys() <= words


def test_tags_and_a_note(maml, new_run):
    run = new_run(state="running")
    assert maml("runs", "tag", run.id)[1] == "-\n"
    assert (
        maml("runs", "tag", run.id, "paper", "slow", "--note", "second try")[1] == "paper, slow\nsecond try\n"
    )
    assert maml("runs", "tag", run.id, "--remove", "slow", "--note", "")[1] == "paper\n"
    assert maml("runs", "ls")[1].splitlines()[1].endswith("paper")
    assert "tags       paper" in maml("runs", "show", run.id)[1]
    shown = json.loads(maml("runs", "show", run.id, "--json")[1])
    (listed,) = json.loads(maml("runs", "ls", "--json")[1])
    assert (shown["tags"], shown["note"]) == (listed["tags"], listed["note"]) == (["paper"], "")


def test_what_cannot_be_a_tag(maml, new_run):
    run = new_run()
    code, _, err = maml("runs", "tag", run.id, "two words")
    assert code == 2
    assert "cannot be a tag" in err
    assert "no tag 'x'" in maml("runs", "tag", run.id, "--remove", "x")[2]


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

    monkeypatch.setattr("maml_tui.cli.control.follow", interrupted)
    code, _, err = maml("attach")
    assert code == 0
    assert f"detached; run {finished.id} goes on" in err


def test_an_unknown_run(maml, finished):
    code, _, err = maml("runs", "show", "zzzz")
    assert code == 2
    assert "zzzz" in err


def test_the_shell_is_offered_runs_presets_and_options(finished):
    assert ("@last", "the newest run") in complete_runs("")
    assert complete_runs(finished.id) == [(finished.id, "demo")]
    assert complete_presets("smo") == ["smoke"]
    assert complete_settings("meta_l") == [("meta_lr=", "meta lr")]
    assert complete_settings("algorithm=an") == [("algorithm=anil", "algorithm")]
    assert complete_settings("data=stro") == [("data=strokes", "data")]
    assert complete_settings("meta_lr=0") == []
    assert complete_settings("nothing=") == []
