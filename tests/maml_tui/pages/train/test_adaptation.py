from __future__ import annotations

import pytest

from maml_tui.pages.train.sections import adaptation, chosen_steps
from maml_tui.plotting import Charset


def test_a_bar_per_inner_step_of_the_newest_validation(scene, records, texts):
    shown = adaptation(scene(records.validation(20), records.validation(40), state="running"), 30, 8)
    assert shown.title == "Adaptation · val at 40 · accuracy %"
    assert texts(shown) == [
        " 0  ██▌           21.00 ± 0.70",
        " 1  █████████▍    78.00 ± 0.70",
        " 2  ██████████▌   88.00 ± 0.70",
        " 3* ███████████▏  93.00 ± 0.70",
    ]


def test_the_test_tasks_take_over_once_they_were_measured(scene, records):
    shown = adaptation(scene(records.validation(40), records.test(40), records.test(60, "last")), 40, 8)
    assert shown.title == "Adaptation · test best at 40 · accuracy %"


def test_errors_are_drawn_against_the_largest_and_what_is_not_finite_has_no_bar(scene, records, texts):
    event = records.validation(9, values=(4.0, 2.0, float("nan")), metric="mse")
    lines = texts(adaptation(scene(event, preset="sinusoid-10shot", charset=Charset.ASCII), 32, 8))
    assert [line.count("#") for line in lines] == [13, 6, 0]
    assert "not finite" in lines[2]


def test_before_the_first_validation_it_says_what_will_be_here(scene, texts):
    assert texts(adaptation(scene(), 40, 8)) == [
        "accuracy after every inner step,",
        "as soon as it was validated",
    ]


@pytest.mark.parametrize(
    ("count", "scored", "rows", "steps"),
    [
        (4, 3, 8, [0, 1, 2, 3]),
        (11, 10, 6, [0, 2, 4, 6, 8, 10]),
        (11, 5, 6, [0, 2, 5, 6, 8, 10]),
        (11, 3, 2, [0, 10]),
        (1, 0, 1, [0]),
    ],
)
def test_where_there_is_little_room_some_steps_stand_for_all(count, scored, rows, steps):
    assert chosen_steps(count, scored, rows) == steps
