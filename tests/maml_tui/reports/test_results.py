from __future__ import annotations

import math
import tomllib

import pytest

from engine.config.presets import load_preset, preset_names
from engine.paths import assets_dir
from engine.runs.events import AtStep, Measurement, Protocol
from engine.runs.result import Measured
from maml_tui.reports.published import published
from maml_tui.reports.results import result_table, result_tables

ITERATIONS = {"best": 17000, "last": 20000}


def measured(checkpoint, preset, *, metric="accuracy", steps=10, means=None, diverged=0, **changes):
    config = load_preset(preset).resolved().config
    means = means or [0.5] * (steps + 1)
    at = tuple(
        AtStep(step=step, mean=mean, ci95=0.01, median=0.4, diverged=diverged)
        for step, mean in enumerate(means)
    )
    regression = metric == "mse"
    protocol = Protocol(
        split="test",
        tasks=600,
        shots=config.task.shots,
        queries=5,
        steps=steps,
        seed=1234,
        ways=None if regression else config.task.ways,
        mode=None if regression else "transductive",
    ).model_copy(update=changes)
    measurement = Measurement(metric=metric, protocol=protocol, loss=at, accuracy=None if regression else at)
    return config, Measured(checkpoint=checkpoint, iteration=ITERATIONS[checkpoint], measurement=measurement)


def test_the_published_accuracy_stands_beside_the_scored_step_only():
    config, best = measured("best", "omniglot-20w1s", queries=1)
    table = result_table(config, [best], {"data": "0123456789abcdef"}, brief=True)
    assert table.columns == ("step", "best accuracy %", "published")
    assert table.scored == config.evaluation.eval_steps == 5
    assert table.rows[5] == ("5*", "50.00 ± 1.00", "95.8 ± 0.3")
    assert [row[-1] for index, row in enumerate(table.rows) if index != 5] == [""] * 10
    notes = "\n".join(table.notes)
    assert "published: Finn et al. 2017; at step 5 also independent reproductions 83.4 to 94.5" in notes
    assert "600 test tasks, 20-way 1-shot, 1 query per class" in notes
    assert "task seed 1234, transductive, data 01234567" in notes
    assert "best: chosen on validation, iteration 17,000" in notes


def test_regression_has_medians_and_published_errors_at_their_own_steps():
    config, best = measured("best", "sinusoid-5shot", metric="mse", means=[math.nan, *[0.5] * 10])
    _, last = measured("last", "sinusoid-5shot", metric="mse")
    table = result_table(config, [best, last], {}, brief=True)
    assert table.columns == ("step", "best mse", "median", "published", "last mse", "median")
    assert table.rows[0][1:3] == ("not finite", "0.4000")
    assert {row[0].strip("*"): row[3] for row in table.rows if row[3]} == {
        "1": "0.67",
        "5": "0.38",
        "10": "0.35",
    }


def test_both_checkpoints_and_the_published_error_fit_a_frame_in_80_columns():
    config, best = measured("best", "sinusoid-5shot", metric="mse", means=[3.1234] * 11, diverged=0)
    _, last = measured("last", "sinusoid-5shot", metric="mse", means=[0.01234] * 11, diverged=12)
    assert result_table(config, [best, last], {}, brief=True).width <= 75


def test_in_a_file_the_column_of_diverged_tasks_is_always_there():
    config, best = measured("best", "smoke")
    table = result_table(config, [best], {})
    assert table.columns == ("step", "best accuracy %", "diverged")
    assert {row[-1] for row in table.rows} == {"0"}


def test_diverged_tasks_are_counted_step_by_step_and_none_is_said_once():
    config, best = measured("best", "sinusoid-5shot", metric="mse")
    _, last = measured("last", "sinusoid-5shot", metric="mse", diverged=3)
    table = result_table(config, [best, last], {}, brief=True)
    assert table.columns[-3:] == ("last mse", "median", "diverged")
    assert {row[-1] for row in table.rows} == {"3"}
    notes = "\n".join(table.notes)
    assert "best: chosen on validation, iteration 17,000, no task diverged; " in notes
    assert notes.count("no task diverged") == 1


def test_what_is_wider_than_there_is_room_is_a_table_for_each_checkpoint():
    config, best = measured("best", "sinusoid-5shot", metric="mse", diverged=1)
    _, last = measured("last", "sinusoid-5shot", metric="mse", diverged=3)
    whole = result_table(config, [best, last], {}, brief=True)
    assert result_tables(config, [best, last], {}, whole.width) == (whole,)
    first, second = result_tables(config, [best, last], {}, whole.width - 1)
    assert first.columns == ("step", "best mse", "median", "diverged", "published")
    assert second.columns == ("step", "last mse", "median", "diverged", "published")
    assert (first.notes, second.notes) == ((), whole.notes)


def test_the_best_parameters_that_are_the_last_ones_too_are_shown_once():
    config, best = measured("best", "sinusoid-5shot", metric="mse")
    last = best.model_copy(update={"checkpoint": "last"})
    (table,) = result_tables(config, [best, last], {}, 30)
    assert table.columns == ("step", "best = last mse", "median", "published")
    assert "best = last: chosen on validation, iteration 17,000, no task diverged" in table.notes
    in_a_file = result_table(config, [best, last], {}).columns
    assert [heading for heading in in_a_file if heading.endswith("mse")] == ["best mse", "last mse"]


def test_what_nobody_published_has_no_such_column():
    config, best = measured("best", "smoke")
    table = result_table(config, [best], {}, brief=True)
    assert table.columns == ("step", "best accuracy %")
    assert not any("published" in note for note in table.notes)


def test_fewer_steps_than_scored_are_scored_at_the_last():
    config, best = measured("best", "omniglot-20w1s", steps=2)
    assert result_table(config, [best], {}).scored == 2


@pytest.mark.parametrize(
    ("key", "text"),
    [
        (("sinusoid", None, 5, "maml", 5), "0.38"),
        (("sinusoid", None, 5, "pretrained", 10), "2.19"),
        (("omniglot", 5, 1, "maml", 3), "98.7 ± 0.4"),
        (("omniglot", 20, 1, "fomaml", 5), "89.4 ± 0.5"),
        (("miniimagenet", 5, 1, "maml", 10), "48.7 ± 1.84"),
        (("miniimagenet", 5, 5, "fomaml", 10), "63.15 ± 0.91"),
        (("omniglot", 5, 5, "reptile", 3), "99.48"),
        (("miniimagenet", 5, 5, "maml++", 10), "68.32 ± 0.44"),
        (("miniimagenet", 5, 1, "meta-sgd", 10), "50.47 ± 1.87"),
        (("omniglot", 20, 5, "anil", 5), "98 ± 0.3"),
        (("omniglot", 20, 1, "imaml", 5), "94.46"),
    ],
)
def test_published_numbers_are_found(key, text):
    assert str(published(*key, scored=True)[0]) == text


def test_all_that_is_published_of_a_task_is_found_the_paper_first():
    found = published("omniglot", 5, 1, "maml", 3, scored=True)
    assert [entry.source for entry in found] == [
        "Finn et al. 2017",
        "Scaramuzzino 2021",
        "independent reproductions",
    ]
    assert published("omniglot", 5, 1, "maml", 3, scored=False) == []
    assert published("sinusoid", None, 20, "maml", 1, scored=True) == []


def test_the_file_of_published_results_is_complete():
    tables = tomllib.loads((assets_dir() / "published.toml").read_text(encoding="utf-8"))["publication"]
    results = [result for table in tables for result in table["results"]]
    assert len(results) == 57
    assert all(("value" in result) != ("low" in result and "high" in result) for result in results)


def test_every_preset_of_a_paper_has_its_published_number():
    for name in preset_names():
        preset = load_preset(name)
        config = preset.resolved().config
        if not preset.source or name == "sinusoid-10shot":  # the paper tabulates K = 5 only
            continue
        ways = None if config.is_regression else config.task.ways
        step = config.evaluation.eval_steps
        assert published(config.task.data, ways, config.task.shots, "maml", step, scored=True), name


def test_a_step_size_that_was_chosen_is_told():
    config, best = measured("best", "omniglot-20w1s", step_size=0.03)
    assert "iteration 17,000, fine-tuned with step size 0.03, chosen on validation" in "\n".join(
        result_table(config, [best], {}).notes
    )
