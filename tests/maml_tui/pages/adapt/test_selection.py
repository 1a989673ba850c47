"""What the keys change in what is asked for."""

from __future__ import annotations

import random

import pytest

from maml_tui.pages.adapt.selection import Selection


@pytest.fixture
def view(config_of):
    return Selection.of(config_of("sinusoid-10shot", "eval_tasks=6", "val_tasks=4", "eval_steps=2"), "latest")


def test_the_first_look_is_at_the_step_that_is_scored(view):
    question = view.request("/runs/x")
    assert (question.checkpoint, question.split, question.task) == ("latest", "test", 0)
    assert (question.shots, question.queries, question.steps) == (10, 10, 10)
    assert view.step == view.config.evaluation.eval_steps == 2
    assert question.amplitude is None and question.phase is None


@pytest.mark.parametrize(
    ("eval_steps", "curve_steps", "last"), [(2, 2, 10), (10, 10, 10), (2, 25, 25), (500, 1000, 100)]
)
def test_at_least_ten_steps_are_offered_and_never_too_many(config_of, eval_steps, curve_steps, last):
    config = config_of("sinusoid-10shot", f"curve_steps={curve_steps}", f"eval_steps={eval_steps}")
    view = Selection.of(config, "latest")
    assert view.request("/runs/x").steps == last and view.step == min(eval_steps, last)


def test_going_through_the_steps_asks_nothing_new(view):
    assert view.stepped(3).step == 5 and view.stepped(3).request("/runs/x") == view.request("/runs/x")
    assert view.stepped(-5).step == 0 and view.stepped(50).step == 10


def test_after_the_last_task_comes_the_first(view):
    assert view.moved(-1).task == 5 and view.moved(5).moved(1).task == 0
    assert view.other_split().moved(-1).task == 3


def test_any_other_task_is_another(view):
    chance = random.Random(0)
    seen = {view.moved(2).anywhere(chance).task for _ in range(100)}
    assert seen == {0, 1, 3, 4, 5}


def test_shots_stay_within_reason(view):
    assert view.with_shots(-20).shots == 1 and view.with_shots(100).shots == 50
    assert view.with_shots(1).request("/runs/x").shots == 11


def test_the_curve_is_bent_by_notches_within_what_was_trained(view):
    bent = view.higher(1, own=2.347).shifted(-1, own=1.234)
    assert (bent.amplitude, bent.phase) == (2.4, 1.1) and bent.bent
    assert bent.request("/runs/x").amplitude == 2.4 and bent.request("/runs/x").phase == 1.1
    assert view.higher(1, own=4.98).amplitude == 5.0 and view.higher(-1, own=0.12).amplitude == 0.1
    assert view.shifted(1, own=3.12).phase == pytest.approx(3.14159, abs=1e-5)


def test_a_bent_curve_is_bent_further(view):
    bent = view.higher(1, own=2.3).higher(1, own=2.3).shifted(1, own=1.0).shifted(1, own=1.0)
    assert (bent.amplitude, bent.phase) == (2.5, 1.2)


def test_the_notches_fit_the_interval(config_of):
    wide = Selection.of(config_of("sinusoid-10shot", "amplitude=[0.0, 1000.0]"), "latest")
    assert wide.higher(1, own=123.4).amplitude == 130.0
    narrow = Selection.of(config_of("sinusoid-10shot", "amplitude=[2.0, 2.02]"), "latest")
    assert narrow.higher(1, own=2.0).amplitude == 2.001


def test_another_task_has_its_own_curve(view):
    bent = view.higher(1, own=2.0)
    assert not bent.moved(1).bent and not bent.other_split().bent and not bent.own().bent
    assert bent.stepped(1).bent and bent.with_shots(1).bent and bent.other_checkpoint().bent


def test_the_other_checkpoint(view):
    assert view.other_checkpoint().checkpoint == "best"
    assert view.other_checkpoint().other_checkpoint() == view
