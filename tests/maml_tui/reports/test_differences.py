from __future__ import annotations

import pytest

from maml_tui.reports.config_text import differing_options, option_value


def test_only_what_differs_is_named_in_the_order_of_the_schema(configured):
    configs = [
        configured("smoke", "meta_lr=0.002", "iterations=20000"),
        configured("smoke", "algorithm=fomaml", "rotations=true"),
        configured("smoke", "meta_lr=0.002"),
    ]
    found = differing_options(configs)
    assert [(row.option.name, row.values) for row in found] == [
        ("rotations", ("no", "yes", "no")),
        ("algorithm", ("maml", "fomaml", "maml")),
        ("iterations", ("20,000", "60", "60")),
        ("meta_lr", ("0.002", "0.003", "0.002")),
    ]


def test_what_has_no_effect_in_a_run_has_no_value_there(configured):
    found = differing_options([configured("smoke"), configured("sinusoid-10shot")])
    values = {row.option.name: row.values for row in found}
    assert values["amplitude"] == ("-", "0.1, 5.0")
    assert values["ways"] == ("5", "-")


def test_equal_runs_differ_in_nothing(configured):
    assert differing_options([configured("smoke")] * 3) == []


@pytest.mark.parametrize(
    ("value", "text"),
    [(True, "yes"), (60000, "60,000"), (1e-05, "1e-05"), ((40, 40), "40, 40"), ("maml", "maml")],
)
def test_values_in_words(value, text):
    assert option_value(value) == text
