from __future__ import annotations

import csv
import json
import math

from maml_tui.reports.result_files import METRIC_COLUMNS, metric_rows, to_csv, to_json, to_markdown
from maml_tui.reports.results import ResultTable


def test_every_update_and_every_step_of_an_evaluation_is_a_row(records):
    train, found = records.trained(7), records.validation(8, (0.25, 0.5))
    first, *steps = metric_rows([train, records.saved(8), found])
    assert {name: first[name] for name in ("kind", "iteration", "loss", "grad_norm")} == {
        "kind": "train",
        "iteration": 7,
        "loss": 0.2,
        "grad_norm": 1.5,
    }
    assert [(row["kind"], row["step"], row["accuracy"], row["tasks"]) for row in steps] == [
        ("val", 0, 0.25, 600),
        ("val", 1, 0.5, 600),
    ]
    assert all(set(row) <= set(METRIC_COLUMNS) for row in (first, *steps))


def test_regression_has_no_accuracy(records):
    (row, _) = metric_rows([records.validation(8, (2.0, 1.0), "mse")])
    assert row["accuracy"] is None and row["loss"] == 2.0


def test_csv_reads_back():
    text = to_csv(("a", "b"), [["x,\n", None], [0.1, math.nan]])
    assert list(csv.reader(text.splitlines(keepends=True))) == [["a", "b"], ["x,\n", ""], ["0.1", "nan"]]


def test_json_has_no_numbers_that_json_does_not_have():
    assert json.loads(to_json({"a": [math.nan, 1.5, (math.inf,)], "b": "ü"}), parse_constant=int) == {
        "a": [None, 1.5, [None]],
        "b": "ü",
    }


def test_markdown_marks_the_step_that_counts():
    table = ResultTable(("step", "a|b"), (("0", "1"), ("1*", "2"), ("2", "")), 1, ("* scored after 1",))
    assert to_markdown(table).splitlines() == [
        "| step | a\\|b |",
        "| -- | -- |",
        "| 0 | 1 |",
        "| **1** | **2** |",
        "| 2 |  |",
        "",
        "- scored after 1",
    ]
