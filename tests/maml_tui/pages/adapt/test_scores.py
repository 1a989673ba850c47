"""The numbers beside the picture."""

from __future__ import annotations

import math

import pytest

from maml_tui.pages.adapt.cell_grid import Tone
from maml_tui.pages.adapt.scores import draw_scores, score_text
from maml_tui.pages.adapt.selection import Selection
from maml_tui.plotting import Charset


@pytest.fixture
def view(config_of):
    return Selection.of(config_of("sinusoid-10shot", "eval_steps=1"), "latest")


def texts(grid):
    return ["".join(row).rstrip() for row in grid.characters]


def draw(answer, view, size, charset=Charset.UNICODE):
    return draw_scores(answer, view, *size, charset=charset)


def test_a_curve_and_its_steps(curve_answer, view):
    grid = draw(curve_answer(), view, (30, 8))
    assert texts(grid) == [
        "step 1/2: mse 1.000",
        "test task 1 of 600",
        "K 10  A 2.00  phase 0.50",
        "",
        " 0 ████████████████      4.000",
        "▸1 ████                  1.000",
        " 2 █                    0.2500",
        "",
    ]
    assert [row for row in range(8) if grid.tones[row, 0] == Tone.NAME] == [0, 5]
    assert grid.tones[5, 3] == Tone.BAR and grid.tones[5, 29] == Tone.NAME


def test_a_curve_of_ones_own_is_called_so(curve_answer, view):
    lines = draw(curve_answer(), view.higher(1, 2.0), (40, 12))
    assert texts(lines)[1] == "changed test task 1"


def test_classes_and_their_steps(pictures_answer, config_of):
    view = Selection.of(config_of("omniglot-20w1s"), "best").stepped(-9)
    answer = pictures_answer(20, 1, 1)
    lines = texts(draw(answer, view, (28, 12), Charset.ASCII))
    assert lines[0] == "step 0/1: 5.00 %" and lines[2] == "20-way 1-shot"
    assert lines[4].startswith("▸0 #") and lines[5].endswith("75.00")


def test_the_steps_nearest_to_the_shown_one_have_the_room(curve_answer, view):
    answer = curve_answer(loss=tuple(float(n + 1) for n in range(11)))
    for step in range(11):
        lines = texts(draw(answer, view.stepped(step - 1), (30, 8)))
        assert len(lines) == 8 and any(line.startswith("▸") for line in lines[4:])


@pytest.mark.parametrize("size", [(30, 1), (30, 3), (30, 4), (5, 9), (1, 1), (3, 30)])
def test_nothing_is_larger_than_the_room(curve_answer, view, size):
    assert draw(curve_answer(), view, size).characters.shape == size[::-1]


def test_a_diverged_step_is_a_full_bar_and_scales_nothing(curve_answer, view):
    lines = texts(draw(curve_answer(loss=(4.0, math.nan, math.inf)), view, (32, 12)))
    assert lines[5].endswith("not finite") and lines[6].endswith("not finite")
    assert lines[4].count("█") == lines[5].count("█") == lines[6].count("█") > 0
    hopeless = texts(draw(curve_answer(loss=(math.nan,) * 3), view, (32, 12)))
    assert hopeless[0].endswith("not finite")


def test_scores_in_words():
    assert (score_text("mse", 0.25), score_text("accuracy", 0.96)) == ("mse 0.2500", "96.00 %")


def draw_beside(answer, view, size, **known):
    return draw_scores(answer, view, *size, charset=Charset.UNICODE, **known)


def test_a_baseline_has_a_column_of_its_own(curve_answer, view):
    grid = draw_beside(curve_answer(), view, (34, 8), baseline=(3.0, 2.0, math.inf))
    assert texts(grid)[3:7] == [
        "                        pretrained",
        " 0 █████████      4.000      3.000",
        "▸1 ██▎            1.000      2.000",
        " 2 ▌             0.2500 not finite",
    ]
    assert [row for row in range(8) if grid.tones[row, 33] == Tone.NAME] == [5]


def test_the_column_scrolls_with_the_bars(curve_answer, view):
    losses = tuple(float(n + 1) for n in range(11))
    answer = curve_answer(loss=losses)
    lines = texts(draw_beside(answer, view.stepped(9), (34, 8), baseline=tuple(10 * n for n in losses)))
    assert lines[3].endswith("pretrained") and lines[7].startswith("▸10") and lines[7].endswith("110.0")


def test_the_column_waits_and_needs_room(curve_answer, view):
    waiting = texts(draw_beside(curve_answer(), view, (34, 8), baseline=()))
    assert waiting[3].endswith("pretrained") and waiting[4].endswith("4.000")
    narrow = draw_beside(curve_answer(), view, (22, 8), baseline=(3.0, 2.0, 1.0))
    assert texts(narrow) == texts(draw(curve_answer(), view, (22, 8)))


def test_a_remark_is_written_whole_or_not_at_all(curve_answer, view):
    remark = "how to get one: maml train it"
    grid = draw_beside(curve_answer(), view, (24, 10), remark=remark)
    assert texts(grid)[8:] == ["how to get one: maml", "train it"] and grid.tones[9, 0] == Tone.DIM
    assert not any("how" in line for line in texts(draw_beside(curve_answer(), view, (24, 9), remark=remark)))
