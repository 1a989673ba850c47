from __future__ import annotations

from dataclasses import replace

import pytest
from run_folders import change_status

from engine.config.presets import preset_names
from engine.errors import UsageError
from engine.runs.directory import create_run
from maml_tui.runs.reproduction import find_table, plan, tables


@pytest.mark.parametrize("name", ["sinusoid", "omniglot", "miniimagenet"])
def test_every_table_is_made_of_presets_and_their_usual_values(name):
    table = find_table(name)
    planned = plan(table, 1.0)
    assert set(table.presets) <= set(preset_names())
    assert len(planned) == len(table.presets) * len(table.algorithms) * table.seeds
    assert len({one.record.name for one in planned}) == len(planned)
    assert {one.standing for one in planned} == {"not begun"}
    assert all(one.record.resolved.config.training.iterations >= 60_000 for one in planned)


def test_the_sinusoids_are_trained_with_each_algorithm_and_each_seed():
    planned = plan(replace(tables()["sinusoid"], seeds=2), 0.1)
    assert [one.record.name for one in planned] == [
        "reproduce-sinusoid-10shot-maml-x0.1",
        "reproduce-sinusoid-10shot-pretrained-x0.1",
        "reproduce-sinusoid-10shot-oracle-x0.1",
        "reproduce-sinusoid-10shot-maml-seed1-x0.1",
        "reproduce-sinusoid-10shot-pretrained-seed1-x0.1",
        "reproduce-sinusoid-10shot-oracle-seed1-x0.1",
    ]
    configs = [one.record.resolved.config for one in planned]
    assert [config.training.seed for config in configs] == [0, 0, 0, 1, 1, 1]
    assert [config.evaluation.eval_seed for config in configs] == [1234] * 3 + [1235] * 3
    assert [config.algorithm.inner_lr for config in configs[::3]] == [0.001, 0.001]
    assert [one.network for one in planned[3:]] == [one.network for one in planned[:3]]
    training = planned[1].record.resolved.config.training
    assert (training.iterations, training.eval_every, training.checkpoint_every) == (7000, 2000, 2000)
    shortest = plan(tables()["sinusoid"], 0.00001)[0].record.resolved.config.training
    assert (shortest.iterations, shortest.eval_every, shortest.checkpoint_every) == (1, 1, 1)


def test_a_run_is_found_again_by_its_name():
    first = plan(tables()["sinusoid"], 1.0)[0]
    run = create_run(first.record.name, first.record.to_toml)
    again = plan(tables()["sinusoid"], 1.0)
    assert [one.run for one in again[:3]] == [run, None, None]
    assert not again[0].complete and again[0].standing.startswith("queued at 0")
    change_status(run, state="done", iteration=70_000, iterations=70_000)
    run.result.write_text("{}")
    assert plan(tables()["sinusoid"], 1.0)[0].complete


def test_another_run_of_that_name_is_not_taken_for_it():
    short, full = (plan(tables()["sinusoid"], scale)[0].record for scale in (0.1, 1.0))
    run = create_run(full.name, short.to_toml)
    with pytest.raises(UsageError, match=f"run {run.id} is called {full.name} but has other options"):
        plan(tables()["sinusoid"], 1.0)


def test_an_unknown_table_is_told_the_nearest():
    with pytest.raises(UsageError, match=r"no table omnigolt \(did you mean omniglot\?\)"):
        find_table("omnigolt")
