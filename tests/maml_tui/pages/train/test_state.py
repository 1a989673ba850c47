from __future__ import annotations

import pytest

from maml_tui.pages.train.progress import notice, state_word
from maml_tui.pages.train.scene import text_of


@pytest.fixture
def noticed(scene):
    def of(*events, **kwargs):
        return text_of(notice(scene(*events, **kwargs)))

    return of


def test_a_run_that_trains_needs_no_explanation(noticed):
    assert noticed(state="running") == ""


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ({"state": "queued"}, "waiting for a worker to take it up; r starts one"),
        ({"state": "warming-up"}, "importing PyTorch, loading data"),
        ({"state": "paused", "reason": "by request"}, "paused by request: space lets it go on"),
        ({"state": "stopping", "reason": "by request"}, "the iteration is finished first"),
        ({"state": "stopping", "reason": "measuring", "measured": 0.4}, "the result is being measured"),
        (
            {"state": "failed", "reason": "no such device"},
            "no such device; r tries again from iteration 20; log: ",
        ),
        ({"state": "diverged", "reason": "not finite"}, "not finite; r goes on from iteration 20"),
        (
            {"state": "running", "pid": 1, "process_start": -9.0},
            "its process 1 is gone; r resumes from iteration 20",
        ),
        (
            {"state": "done", "reason": "stopped at 30", "iteration": 30},
            "stopped at 30; r goes on from iteration 20",
        ),
    ],
)
def test_the_others_say_why_and_what_to_do(noticed, status, words, records):
    assert words in noticed(records.saved(20), **status)


def test_a_finished_run_offers_nothing_to_resume(noticed, result):
    assert noticed(state="done", reason="all done", iteration=60, result=result) == "all done"


def test_without_a_checkpoint_it_starts_over(noticed):
    assert noticed(state="failed", reason="no memory").startswith("no memory; r tries again from the start")


def test_control_characters_in_a_reason_are_escaped(noticed):
    assert "\x1b" not in noticed(state="failed", reason="\x1b[2J")


@pytest.mark.parametrize(
    ("later", "words"),
    [(4, "● RUNNING"), (12, "● RUNNING silent for 12 s"), (200, "● RUNNING silent for 3 m")],
)
def test_silence_is_told_after_a_while(scene, later, words):
    assert text_of(state_word(scene(state="running", later=later))) == words


def test_the_last_measurement_has_a_word_of_its_own(scene):
    assert text_of(state_word(scene(state="running", measured=0.1))) == "● MEASURING"
    assert text_of(state_word(scene(state="running", validated=0.1))) == "● VALIDATING 10%"
    assert text_of(state_word(scene(state="lost", validated=0.1))).startswith("! LOST")
