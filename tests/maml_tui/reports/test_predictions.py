from __future__ import annotations

import pytest

from engine.services.apply_messages import Classified, Fitted, Guess, Value
from maml_tui.reports.predictions import for_people, for_programs, summary

ABOUT = {"name": "birds-maml", "iteration": 1200, "steps": 1, "support_loss": (1.609, 0.0123)}


def classified(*guesses, **changes):
    usual = {"examples": (1, 3), "class_names": ("owl", "cr\x1bow"), "mode": "transductive"}
    return Classified(**ABOUT | usual | changes, guesses=guesses)


def fitted(*values):
    return Fitted(**ABOUT, examples=(5,), values=values)


def test_the_likeliest_class_comes_first_and_the_next_beside_it():
    guesses = (
        Guess(file="a\n.png", probabilities=(0.25, 0.75), actual=1),
        Guess(file="b.png", probabilities=(0.9, 0.1), actual=1),
    )
    columns, rows, notes = for_people(classified(*guesses))
    assert columns == ("file", "class", "confidence", "next", "folder")
    assert rows[0] == [r"a\n.png", r"cr\x1bow", "75.0%", "owl 25.0%", r"cr\x1bow"]
    assert notes[0] == "1 of 2 as their folders say" and "--mode inductive" in notes[1]


def test_without_folders_nothing_is_said_of_them():
    columns, rows, notes = for_people(
        classified(Guess(file="a", probabilities=(0.25, 0.75)), mode="inductive")
    )
    assert columns[-1] == "next" and len(rows[0]) == 4
    assert len(notes) == 1 and "with the support alone" in notes[0]


def test_programs_get_every_probability():
    report = classified(Guess(file="a", probabilities=(0.25, 0.75)))
    assert for_programs(report) == (
        ["file", "class", "confidence", "folder", "owl", "cr\x1bow"],
        [["a", "cr\x1bow", 0.75, "", 0.25, 0.75]],
    )


def test_values_stand_beside_what_was_known():
    columns, rows, notes = for_people(fitted(Value(x=(1.5,), y=2.0, actual=3.0), Value(x=(0.1,), y=-1 / 3)))
    assert columns == ("x", "prediction", "y")
    assert rows == [["1.5", "2", "3"], ["0.1", "-0.33333", ""]]
    assert notes == ("mean squared error 1 of 1 points",)
    assert for_programs(fitted(Value(x=(1, 2), y=0.5))) == (["x1", "x2", "prediction"], [[1, 2, 0.5]])


@pytest.mark.parametrize(
    ("report", "expected"),
    [
        (
            classified(),
            "has adapted to 1 to 3 examples of each of 2 classes in 1 step: their loss went from 1.609",
        ),
        (classified(examples=(1, 1)), "adapted to 1 example of each of 2 classes"),
        (fitted(), "birds-maml (iteration 1,200) has adapted to 5 examples in 1 step: "),
    ],
)
def test_the_summary(report, expected):
    assert expected in summary(report)
