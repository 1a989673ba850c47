from __future__ import annotations

import math

import pytest

from engine.errors import UsageError
from engine.services.messages import Overrides
from maml_tui.reports.pairs import pairs, same_for_all, unlike_tasks

SCORES = [0.5, 0.6, 0.7, 0.8]


def test_the_first_is_compared_with_each_other(contender):
    runs = [
        contender("A", [0.6, 0.7, 0.8, 0.9]),
        contender("B", [0.5, 0.6, 0.7, 0.7]),
        contender("C", [0.7, 0.6, 0.9, 0.8]),
    ]
    with_b, with_c = pairs(runs)
    # Differences 0.1, 0.1, 0.1, 0.2: mean 0.125, standard error 0.025.
    assert with_b.difference.mean == pytest.approx(0.125)
    assert with_b.difference.ci95 == pytest.approx(3.18245 * 0.025, rel=1e-4)
    assert with_b.better is runs[0] and with_b.obstacle == ""
    assert with_c.difference.mean == pytest.approx(0, abs=1e-7)
    assert with_c.better is None


def test_the_smaller_error_is_the_better_one(contender):
    low = contender("A", [0.1, 0.2, 0.3, 0.4], preset="sinusoid-10shot")
    high = contender("B", [0.2, 0.3, 0.4, 0.6], preset="sinusoid-10shot")
    assert pairs([low, high])[0].better is low
    assert pairs([high, low])[0].better is low


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"shots": 5}, "shots 1 and 5"),
        ({"seed": 7, "queries": 9}, "task seed 1 and 7, queries 2 and 9"),
        ({"split": "val"}, "split test and val"),
        ({"mode": "inductive"}, "batch statistics None and inductive"),
        ({"step": 5}, "scored step 3 and 5"),
        ({"fingerprint": {"split": "abcdefghij"}}, "split hash none and abcdefghij"),
    ],
)
def test_other_tasks_are_not_paired(contender, changes, sentence):
    (pair,) = pairs([contender("A", SCORES), contender("B", SCORES, **changes)])
    assert pair.difference is None
    assert pair.obstacle == f"they were not measured on the same tasks: {sentence}"


def test_more_tasks_are_other_tasks(contender):
    (pair,) = pairs([contender("A", SCORES), contender("B", SCORES[:3])])
    assert pair.obstacle.endswith("tasks 4 and 3")


def test_how_far_the_curve_goes_on_after_the_scored_step_does_not_matter(contender):
    (pair,) = pairs([contender("A", SCORES), contender("B", SCORES, steps=4)])
    assert pair.difference.mean == 0


@pytest.mark.parametrize(
    ("first", "second", "unlike"),
    [
        (["ways=5"], ["ways=3"], "ways N 5 and 3"),
        (["classes=100"], ["classes=90"], "classes 100 and 90"),
        (["rotations=true"], [], "rotate classes yes and no"),
        (["queries=3", "meta_lr=0.1", "shots=2"], [], ""),
    ],
)
def test_what_makes_tasks_unlike(configured, first, second, unlike):
    assert unlike_tasks(configured("smoke", *first), configured("smoke", *second)) == unlike


def test_another_range_of_sinusoids_makes_other_tasks(configured):
    usual, wide = configured("sinusoid-10shot"), configured("sinusoid-10shot", "amplitude=[0.1, 9.0]")
    assert unlike_tasks(usual, wide) == "amplitude A 0.1, 5.0 and 0.1, 9.0"


def test_another_kind_of_data_is_all_that_needs_saying(configured):
    assert unlike_tasks(configured("smoke"), configured("sinusoid-10shot")) == "data strokes and sinusoid"


def test_unlike_tasks_are_an_obstacle_whether_or_not_they_were_measured(contender):
    (pair,) = pairs([contender("A", SCORES), contender("B", None, "ways=3")])
    assert pair.obstacle == "they learn different tasks: ways N 5 and 3"


def test_what_is_lacking_is_named(contender):
    bare = contender("A")
    assert pairs([bare, contender("B", SCORES)])[0].obstacle == "parameters not measured yet: A"
    assert pairs([bare, contender("B")])[0].obstacle == "parameters not measured yet: A and B"
    old = contender("B", SCORES, keep=False)
    assert pairs([contender("A", SCORES), old])[0].obstacle == "the scores of single tasks were not kept: B"


def test_diverged_tasks_are_told_and_not_left_out(contender):
    good = contender("A", [0.1, 0.2, 0.3], preset="sinusoid-10shot")
    bad = contender("B", [0.1, math.nan, 0.3], preset="sinusoid-10shot")
    (pair,) = pairs([good, bad])
    assert math.isnan(pair.difference.mean) and pair.better is None
    assert pair.obstacle == "1 of 3 tasks diverged in one of them, so there is no mean difference"


def test_all_runs_meet_the_tasks_of_the_first(configured):
    config = configured("smoke", "eval_tasks=70", "eval_seed=9", "shots=2", "eval_queries=4")
    steps = config.evaluation.eval_steps
    assert same_for_all(config, "last", {"tasks": 500, "steps": None, "device": None}) == Overrides(
        tasks=500,
        steps=steps,
        scored=steps,
        shots=2,
        queries=4,
        seed=9,
        mode="transductive",
        checkpoint=("latest",),
    )
    with pytest.raises(UsageError, match="tasks"):
        same_for_all(config, "last", {"tasks": 1})


def test_the_steps_asked_for_are_those_scored_and_a_regression_has_no_mode(configured):
    overrides = same_for_all(configured("sinusoid-10shot"), "best", {"steps": 4})
    assert (overrides.scored, overrides.checkpoint, overrides.mode) == (4, ("best",), None)
