from __future__ import annotations

import pytest

from maml_tui.pages.train.metrics import metrics, summary

TRAINING = {"state": "running", "iteration": 45, "best": 0.934, "best_ci95": 0.007, "best_iteration": 40}


def test_every_mean_has_its_interval_and_number_of_tasks(scene, records, texts):
    told = [records.trained(i, accuracy=0.9 + 0.01 * (i % 2)) for i in range(1, 41)]
    shown = metrics(
        scene(*told, records.validation(40, improved=True, best=0.934, best_iteration=40), **TRAINING)
    )
    assert shown.title == "Metrics · validated at 40"
    assert texts(shown) == [
        "             accuracy %  ± CI95     n",
        "val after 3       93.00    0.70   600",
        "val before        21.00    0.70   600",
        "val loss        0.07000 0.00700   600",
        "train after 1     90.50    0.22   160",
        "train loss       0.2000  0.0000   160",
        "",
        "best 93.40 ± 0.70 at 40",
        "train - val after 1: +12.50 points",
        "gradient norm 1.50 · 16.0 tasks/s",
    ]


def test_regression_shows_the_median_beside_the_mean(scene, records, texts):
    event = records.validation(1000, values=(3.1, 0.5, 0.4), metric="mse", diverged=2)
    shown = texts(metrics(scene(event, preset="sinusoid-10shot", state="running")))
    assert shown[0].split()[0] == "mse"
    assert shown[1] == "val after 2      0.4000  0.0070   600"
    assert shown[3] == "val median       0.4000"
    assert "2 of 600 val tasks diverged" in shown


def test_before_the_first_validation_it_says_when_that_will_be(scene, texts):
    assert texts(metrics(scene(state="running")))[1] == "first validation at 20"
    assert (
        texts(metrics(scene(state="running", overrides=["eval_every=0"])))[1]
        == "never validated: e does it now"
    )


def test_one_meta_update_has_no_interval(scene, records, texts):
    assert "train after 1     95.00       -     8" in texts(
        metrics(scene(records.trained(1), state="running"))
    )


def test_what_is_not_finite_is_said_not_hidden(scene, records, texts):
    told = [records.trained(i, loss=float("nan"), grad_norm=None, skipped=2) for i in (1, 2)]
    nan = float("nan")
    shown = texts(metrics(scene(*told, records.validation(20, values=(0.2, nan, nan, nan)), state="running")))
    assert "val after 3  not finite           600" in shown
    assert "train loss   not finite            16" in shown
    assert "2 updates skipped: not finite" in shown
    assert any("gradient norm not finite" in line for line in shown)


def test_patience_is_counted(scene, records, texts):
    event = records.validation(40, patience_left=2, best=0.9, best_iteration=20)
    assert "1 of 3 without gain" in texts(metrics(scene(event, overrides=["patience=3"], **TRAINING)))


def test_the_summary_is_three_lines_with_facts_beside_them_where_there_is_room(scene, records, texts):
    shown = scene(records.trained(45), records.validation(40), **TRAINING)
    wide, narrow, tiny = (texts(summary(shown, width)) for width in (78, 58, 30))
    assert len(wide) == len(narrow) == len(tiny) == 3
    assert wide[1].startswith("val after 3       93.00    0.70   600 │ best 93.40 ± 0.70 at 40")
    assert narrow[2] == "train after 1     95.00       -     8"
    assert tiny == ["val after 3 93.00 ± 0.70", "train after 1 95.00 ± -", "best 93.40 ± 0.70 at 40"]


@pytest.mark.parametrize("width", [30, 58, 78])
def test_before_anything_was_measured_the_summary_still_has_its_lines(scene, texts, width):
    assert "first validation at 20" in texts(summary(scene(state="queued"), width))[0 if width == 30 else 1]
