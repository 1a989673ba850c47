"""The plot of a curve: four things that colour alone never tells apart, on axes that stay."""

from __future__ import annotations

import math

import numpy as np

from maml_tui.pages.adapt.scores import curve_plot
from maml_tui.plotting import Charset
from maml_tui.plotting.series import Stroke, legend


def test_truth_before_after_and_points(curve_answer):
    plot = curve_plot(curve_answer(), 2, Charset.UNICODE)
    assert legend(plot) == ("A ╌ truth", "B o K = 1", "C ┈ before", "D ━ step 2")
    truth, before, after, points = plot.series
    assert truth.y.tolist() == [2.0, -1.0, 0.5] and before.y.tolist() == [0.0, 0.0, 0.0]
    assert after.y.tolist() == [1.9, -0.9, 0.5]
    assert (points.x.tolist(), points.y.tolist(), points.stroke) == ([1.0], [1.5], Stroke.POINTS)
    assert plot.x_range == (-5.0, 5.0)


def test_before_adaptation_there_is_no_after(curve_answer):
    assert [one.label for one in curve_plot(curve_answer(), 0, Charset.ASCII).series] == [
        "truth",
        "before",
        "K = 1",
    ]


def test_the_axes_stay_from_step_to_step(curve_answer):
    ranges = {curve_plot(curve_answer(), step, Charset.UNICODE).y_range for step in range(3)}
    assert ranges == {(-2.5, 2.5)}


def test_a_diverged_step_does_not_flatten_the_rest(curve_answer):
    diverged = curve_answer(predictions=((0.0, 0.0, 0.0), (1e30, 3.0, math.nan), (math.inf, 0.0, 0.0)))
    assert curve_plot(diverged, 2, Charset.UNICODE).y_range == (-3.75, 3.75)


def test_a_flat_curve_has_axes_too(curve_answer):
    flat = curve_answer(truth=(0.0,) * 3, support_y=(0.0,), predictions=((0.0,) * 3,))
    low, high = curve_plot(flat, 0, Charset.UNICODE).y_range
    assert low < high and np.isfinite([low, high]).all()


def test_a_baseline_is_drawn_in_a_stroke_of_its_own(curve_answer):
    baseline = curve_answer(predictions=((2.1, 0.0, 0.0), (2.2, 0.0, 0.0), (3.0, 0.5, 0.25)))
    plot = curve_plot(curve_answer(), 2, Charset.UNICODE, baseline)
    assert legend(plot)[3:] == ("D ━ step 2", "E ┅ pretrained")
    assert next(one for one in plot.series if one.label == "pretrained").y.tolist() == [3.0, 0.5, 0.25]
    assert plot.y_range == (-3.75, 3.75)
    before = curve_plot(curve_answer(), 0, Charset.ASCII, baseline)
    assert legend(before)[2:] == ("C . before", "E ~ pretrained") and before.y_range == plot.y_range
