from __future__ import annotations

import pytest

from engine.runs.checkpoints import save_checkpoint
from engine.runs.tags import write_tags
from maml_tui.pages.runs.run_list import describe


@pytest.mark.parametrize(
    ("state", "advice"),
    [
        ("running", "enter watches it"),
        ("stopping", "enter watches it"),
        ("paused", "r lets it go on"),
        ("queued", "r starts a worker if none is coming"),
        ("failed", "r starts it over: nothing was saved"),
    ],
)
def test_what_can_be_done(facts, state, advice):
    found = facts(state=state)
    assert describe(found)[0] == f"{found.run.id} {state} · {advice}"


def test_a_lost_run_says_why_and_where_it_would_go_on(facts):
    found = facts(state="lost", reason="its process 88121 is gone.")
    save_checkpoint(found.run, 44_000, b"x", ["latest"])
    assert describe(found)[0].endswith("lost · r resumes from iteration 44,000 · its process 88121 is gone")


def test_a_damaged_pointer_is_told_of(facts):
    found = facts(state="lost")
    (found.run.checkpoints / "latest.json").write_text("{")
    assert "damaged" in describe(found)[0]


def test_a_run_that_did_everything_and_one_that_stopped_early(facts):
    complete = facts(state="done", iteration=60, iterations=60)
    complete.run.result.write_text("{}")
    assert describe(complete)[0].endswith("done · enter shows what it reached")
    early = facts(state="done", iteration=40, iterations=60)
    save_checkpoint(early.run, 40, b"x", ["latest"])
    assert describe(early)[0].endswith("done · r resumes from iteration 40")


def test_what_it_reached_and_where(facts):
    found = facts(
        state="running",
        task="sinusoid 10-shot",
        metric="mse",
        best=0.031,
        best_ci95=0.004,
        best_iteration=17_000,
        device="cpu",
        host="box",
        eta_seconds=90.0,
    )
    assert describe(found)[1] == (
        "sinusoid 10-shot · best MSE 0.03100 ± 0.00400 at iteration 17,000 · on cpu of box · 1:30 left"
    )
    assert describe(facts())[1] == "nothing is known of it yet"


def test_tags_note_and_folder(facts):
    found = facts()
    assert describe(found)[2] == "no tags: t sets them, n writes a note"
    tagged = facts()
    write_tags(tagged.run, ["paper", "v2"], "second try")
    assert describe(tagged)[2:] == ("tags: paper, v2 · second try", str(tagged.run.path))


def test_nothing_steers_the_terminal(facts):
    found = facts(state="lost", reason="\x1b[2J", task="\x1b", host="\n", device="\r")
    assert all(line.isprintable() for line in describe(found))
