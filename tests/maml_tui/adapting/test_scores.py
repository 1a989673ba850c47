"""The numbers beside the picture."""

from __future__ import annotations

import math

import pytest

from maml_tui.adapting.scores import score_lines
from maml_tui.adapting.view import View
from maml_tui.plotting.charset import Charset


@pytest.fixture
def view(config_of):
    return View.of(config_of("sinusoid-10shot"), "latest")


def texts(lines):
    return [line.text for line in lines]


def test_a_curve_and_its_steps(curve_answer, view):
    lines = score_lines(curve_answer(), view, (30, 12), Charset.UNICODE)
    assert texts(lines) == [
        "step 1 of 2: mse 1.000",
        "test task 1 of 600",
        "K 10  A 2.00  phase 0.50",
        "",
        " 0 ████████████████      4.000",
        "▸1 ████                  1.000",
        " 2 █                    0.2500",
    ]
    assert [line.strong for line in lines] == [True, False, False, False, False, True, False]


def test_a_curve_of_ones_own_is_called_so(curve_answer, view):
    lines = score_lines(curve_answer(), view.higher(1, 2.0), (40, 12), Charset.UNICODE)
    assert "K 10  A 2.00  phase 0.50, changed" in texts(lines)


def test_classes_and_their_steps(pictures_answer, config_of):
    view = View.of(config_of("omniglot-20w1s"), "best").stepped(-9)
    answer = pictures_answer(20, 1, 1)
    lines = texts(score_lines(answer, view, (28, 12), Charset.ASCII))
    assert lines[0] == "step 0 of 1: accuracy % 5.00" and lines[2] == "20-way 1-shot"
    assert lines[4].startswith(">0 #") and lines[5].endswith("75.00")


def test_the_steps_nearest_to_the_shown_one_have_the_room(curve_answer, view):
    answer = curve_answer(loss=tuple(float(n + 1) for n in range(11)))
    for step in range(11):
        lines = texts(score_lines(answer, view.stepped(step - 1), (30, 8), Charset.UNICODE))
        assert len(lines) == 8 and any(line.startswith("▸") for line in lines[4:])


@pytest.mark.parametrize("size", [(30, 1), (30, 3), (30, 4), (5, 9), (1, 1), (3, 30)])
def test_nothing_is_larger_than_the_room(curve_answer, view, size):
    lines = score_lines(curve_answer(), view, size, Charset.UNICODE)
    assert 1 <= len(lines) <= size[1] and all(len(line.text) <= size[0] for line in lines)


def test_a_diverged_step_is_a_full_bar_and_scales_nothing(curve_answer, view):
    lines = texts(score_lines(curve_answer(loss=(4.0, math.nan, math.inf)), view, (32, 12), Charset.UNICODE))
    assert lines[5].endswith("not finite") and lines[6].endswith("not finite")
    assert lines[4].count("█") == lines[5].count("█") == lines[6].count("█") > 0
    hopeless = texts(score_lines(curve_answer(loss=(math.nan,) * 3), view, (32, 12), Charset.UNICODE))
    assert hopeless[0].endswith("not finite")
