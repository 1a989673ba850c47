from __future__ import annotations

import math
from dataclasses import replace

import pytest

from engine.config.presets import load_preset
from engine.runs.events import AtStep, Measurement, Protocol
from engine.runs.result import Measured
from maml_tui.reports.published import Published
from maml_tui.reports.reproduce.cells import (
    COMPARISON_COLUMNS,
    NUMBERS_COLUMNS,
    Cell,
    comparison,
    protocol_notes,
    step_table,
    verdict,
)
from maml_tui.reports.text_table import table_width


def at(mean, ci95=0.01, step=0):
    return AtStep(step=step, mean=mean, ci95=ci95, median=mean, diverged=1)


def entry(value=None, **numbers):
    return Published("omniglot", 5, 1, "maml", "somebody", value=value, **numbers)


@pytest.mark.parametrize(
    ("metric", "ours", "published", "expected"),
    [
        ("accuracy", at(0.97, 0.01), entry(98.7, ci95=0.8), "overlap"),
        ("accuracy", at(0.97, 0.01), entry(98.7, ci95=0.6), "worse"),
        ("accuracy", at(0.99, 0.001), entry(98.7), "better"),
        ("accuracy", at(0.99, math.nan), entry(99.0), "overlap"),
        ("accuracy", at(0.95, 0.001), entry(low=94.7, high=99.6), "overlap"),
        ("accuracy", at(0.94, 0.001), entry(low=94.7, high=99.6), "worse"),
        ("mse", at(0.6, 0.05), entry(0.67), "better"),
        ("mse", at(0.7, 0.05), entry(0.67), "overlap"),
        ("mse", at(0.8, 0.05), entry(0.67), "worse"),
        ("mse", at(math.nan), entry(0.67), "not finite"),
    ],
)
def test_the_verdict_is_on_the_intervals(metric, ours, published, expected):
    assert verdict(metric, ours, published) == expected


def cell(preset, means, shots=None, algorithm="maml", seeds=1):
    config = load_preset(preset).resolved().config
    config = config.model_copy(
        update={"algorithm": config.algorithm.model_copy(update={"algorithm": algorithm})}
    )
    if not means:
        return Cell(config, shots or config.task.shots, ())
    fine_tuned = 0.01 if config.algorithm_entry.is_fine_tuned else None
    measured = []
    for seed in range(seeds):
        series = tuple(at(mean + seed / 10, step=step) for step, mean in enumerate(means))
        protocol = Protocol(
            split="test",
            tasks=600,
            shots=1,
            queries=1,
            steps=len(means) - 1,
            seed=seed + 1,
            step_size=fine_tuned and fine_tuned / (1 + seed // 2),
        )
        accuracy = None if config.is_regression else series
        found = Measurement(metric=config.metric, protocol=protocol, loss=series, accuracy=accuracy)
        measured.append(Measured(checkpoint="best", iteration=1, measurement=found))
    return Cell(config, shots or config.task.shots, tuple(measured))


def test_every_published_number_has_a_row():
    rows = comparison([cell("omniglot-5w1s", [0.975] * 11), cell("sinusoid-10shot", [], shots=5)])
    assert all(len(row) == len(COMPARISON_COLUMNS) for row in rows)
    assert rows[0] == (
        *("omniglot 5-way 1-shot", "60000", "97.50", "maml", "3", "97.50 \u00b1 1.00"),
        *("98.7 \u00b1 0.4", "overlap", "Finn et al. 2017"),
    )
    assert ("97.41 \u00b1 0.1", "overlap", "Scaramuzzino 2021") in [row[6:] for row in rows]
    assert [row[4:7] for row in rows if row[0].startswith("sinusoid")] == [
        *(("1", "-", "0.67"), ("5", "-", "0.38"), ("10", "-", "0.35")),
    ]


@pytest.mark.parametrize(
    "preset", ["omniglot-5w1s", "omniglot-20w5s", "miniimagenet-5w1s", "miniimagenet-5w5s"]
)
@pytest.mark.parametrize("algorithm", ["maml", "fomaml"])
def test_below_the_name_of_their_task_they_fit_eighty_columns(preset, algorithm):
    rows = [row[3:] for row in comparison([cell(preset, [0.975] * 11, algorithm=algorithm)])]
    assert rows
    assert table_width((NUMBERS_COLUMNS, *rows)) <= 80


def test_how_it_was_measured_stands_beside_the_numbers():
    maml, none = cell("sinusoid-10shot", [0.5] * 11), cell("sinusoid-10shot", [], algorithm="oracle")
    assert protocol_notes([none]) == []
    assert protocol_notes([maml, none]) == ["measured on 600 test tasks of seed 1, queries in all: 1"]
    pretrained = cell("sinusoid-10shot", [0.5] * 11, algorithm="pretrained")
    (measured,) = pretrained.measured
    protocol = measured.measurement.protocol.model_copy(update={"ways": 5, "mode": "inductive"})
    found = measured.measurement.model_copy(update={"protocol": protocol})
    pretrained = replace(pretrained, measured=(measured.model_copy(update={"measurement": found}),))
    assert protocol_notes([maml, pretrained])[1:] == [
        "measured on 600 test tasks of seed 1, queries per class: 1, inductive",
        "pretrained: fine-tuned with step size 0.01, chosen on validation",
    ]
    seeds = [cell("sinusoid-10shot", [0.5], algorithm=name, seeds=3) for name in ("maml", "pretrained")]
    assert protocol_notes(seeds) == [
        "measured on 600 test tasks of seed 1, 2, 3, queries in all: 1",
        "pretrained: fine-tuned with step size 0.01, 0.005, chosen on validation",
    ]


def test_networks_stand_side_by_side_with_all_that_a_mean_hides():
    cells = [
        cell("sinusoid-10shot", [3.0, 0.5]),
        cell("sinusoid-10shot", []),
        cell("sinusoid-10shot", [3.0, 2.0], algorithm="pretrained"),
    ]
    columns, rows = step_table(cells)
    assert columns == ("step", "maml", "median", "diverged", "pretrained", "median", "diverged")
    assert rows[1] == ("1", "0.5000 \u00b1 0.0100", "0.5000", "1", "2.000 \u00b1 0.010", "2.000", "1")
    assert step_table(cells[1:2]) == (("step",), [])


def test_several_seeds_are_one_number_and_each_is_shown():
    three = cell("sinusoid-10shot", [3.0, *[0.3] * 10], shots=5, seeds=3)
    row = comparison([three])[0]
    # Of 0.3, 0.4 and 0.5: 4.303 * 0.1 / sqrt(3).
    assert row[2:] == (
        *("0.3000 0.4000 0.5000", "maml", "1", "0.4000 \u00b1 0.2484", "0.67"),
        *("better", "Finn et al. 2017"),
    )
    columns, rows = step_table([three])
    assert columns == ("step", "maml", "median", "diverged", "each seed")
    assert rows[1] == ("1", "0.4000 \u00b1 0.2484", "0.4000", "3", "0.3000 0.4000 0.5000")
