from __future__ import annotations

import math

import pytest

from maml_tui.reports.comparison import comparison_tables, p_value


def test_two_measured_runs(contender):
    one = contender("A", [0.6, 0.7, 0.8, 0.9], status={"seconds": 74, "iterations_per_second": 2.414})
    other = contender("B", [0.5, 0.6, 0.7, 0.7], "algorithm=fomaml", status={"name": "two\x1b"})
    table = comparison_tables([one, other], "last")
    assert table.columns == ("", "A 7f3a", "B 7f3b")
    assert table.facts == (
        ("name", "run-A", "two\\x1b"),
        ("state", "done", "done"),
        ("accuracy %", "75.00 ± 12.65", "62.50 ± 9.38"),
        ("parameters", "last @60", "last @60"),
        ("iteration", "60", "60"),
        ("it/s", "2.41", "-"),
        ("time", "1:14", "0:00"),
    )
    assert table.options == (("algorithm", "maml", "fomaml"),)
    assert table.pairs == (("A - B", "+12.50 ± 7.96 pp", "0.015", "A"),)
    assert table.notes[0] == "result of A, B: mean ± CI95 of 4 test tasks, 3 inner steps"
    assert "paired t-test" in table.notes[1] and len(table.notes) == 2 and table.obstacles == ()


def test_errors_are_not_points(contender):
    runs = [
        contender(letter, [0.1, 0.2, end], preset="sinusoid-10shot")
        for letter, end in (("A", 0.3), ("B", 0.5))
    ]
    table = comparison_tables(runs, "last")
    assert table.facts[2] == ("mse", "0.2000 ± 0.1132", "0.2667 ± 0.2356")
    assert table.pairs[0][1:] == ("-0.06667 ± 0.28684", "0.423", "-")


def test_a_running_run_tells_how_far_it_is_and_what_measures_it(contender):
    running = contender("B", status={"state": "running", "iterations": 240})
    table = comparison_tables([contender("A", [0.5, 0.6]), running], "best")
    facts = {label: cells for label, *cells in table.facts}
    assert facts["state"] == ["done", "running 25%"]
    assert facts["accuracy %"][1] == facts["parameters"][1] == "-"
    assert table.pairs == ()
    assert table.obstacles == (
        "A - B: parameters not measured yet: B",
        "measure all of them on the same tasks: maml compare 7f3a 7f3b --tasks 100",
    )


def test_runs_that_were_never_validated_are_measured_by_their_last_parameters(contender):
    runs = [contender("A"), contender("B", status={"best": None})]
    assert (
        comparison_tables(runs, "best").obstacles[-1].endswith("maml compare 7f3a 7f3b --tasks 100 --at last")
    )


def test_nothing_measures_unlike_tasks_alike(contender):
    table = comparison_tables(
        [contender("A", [0.5, 0.6], "ways=5"), contender("B", [0.5, 0.6], "ways=3")], "last"
    )
    assert not any("maml compare" in note for note in table.obstacles)


def test_results_of_different_protocols_each_say_theirs(contender):
    runs = [contender("A", [0.5, 0.6]), contender("B", [0.5, 0.6, 0.7]), contender("C", [0.4, 0.6])]
    table = comparison_tables(runs, "last")
    assert table.notes[:2] == (
        "result of A, C: mean ± CI95 of 2 test tasks, 3 inner steps",
        "result of B: mean ± CI95 of 3 test tasks, 3 inner steps",
    )
    assert table.obstacles[0] == "A - B: they were not measured on the same tasks: tasks 2 and 3"


def test_a_difference_that_is_not_finite(contender):
    runs = [
        contender(letter, [0.1, end], preset="sinusoid-10shot")
        for letter, end in (("A", 0.3), ("B", math.nan))
    ]
    table = comparison_tables(runs, "last")
    assert table.pairs == (("A - B", "not finite", "-", "-"),)
    assert "1 of 2 tasks diverged" in table.obstacles[0]


@pytest.mark.parametrize(
    ("p", "text"),
    [(0.0, "< 0.001"), (0.00099, "< 0.001"), (0.0012, "0.001"), (1.0, "1.000"), (math.nan, "-")],
)
def test_probabilities(p, text):
    assert p_value(p) == text


def test_metrics_that_do_not_fit_together_keep_their_units(contender):
    table = comparison_tables(
        [contender("A", [0.5, 0.6]), contender("B", [0.1, 0.3], preset="sinusoid-10shot")], "last"
    )
    assert table.facts[2] == ("result", "55.00 ± 9.80 %", "0.2000 ± 0.1960 mse")
    assert table.pairs == ()
    assert "A - B: they learn different tasks: data strokes and sinusoid" in table.obstacles
