from __future__ import annotations

import pytest

from maml_tui.pages.compare.tables import brief, pair_lines, run_lines, shortened
from maml_tui.reports.comparison import comparison_tables


@pytest.fixture
def table(contender):
    one = contender("A", [0.6, 0.7, 0.8, 0.9])
    return comparison_tables([one, contender("B", [0.5, 0.6, 0.7, 0.7], "algorithm=fomaml")], "last")


def test_pairs_and_runs_under_their_headings(table):
    assert pair_lines(table) == [
        "pair   difference ± CI95  p      better",
        "A - B  +12.50 ± 7.96 pp   0.015  A",
    ]
    lines = run_lines(table, ("━", "╌", "┈"))
    assert lines[0] == "            A ━ 7f3a       B ╌ 7f3b"
    assert lines[3] == "accuracy %  75.00 ± 12.65  62.50 ± 9.38"
    assert lines[-2:] == ["", "algorithm   maml           fomaml"]


def test_the_essence_where_there_is_no_room(table):
    assert brief(table) == [
        "A - B  +12.50 ± 7.96 pp  0.015  A",
        "A 7f3a  75.00 ± 12.65",
        "B 7f3b  62.50 ± 9.38",
    ]


def test_a_run_alone_has_neither_pairs_nor_differences(contender):
    table = comparison_tables([contender("A", [0.6, 0.7])], "last")
    assert pair_lines(table) == []
    assert run_lines(table, "━")[-1] == "time        0:00"
    assert brief(table) == ["A 7f3a  65.00 ± 9.80"]


def test_cells_that_are_too_wide_are_cut():
    assert shortened([("phase", "0.0, 3.141592653589793"), ("name", "x" * 64)]) == [
        "phase  0.0, 3.141592653589793",
        f"name   {'x' * 20}..",
    ]
    assert shortened([]) == []
