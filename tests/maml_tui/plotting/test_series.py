from __future__ import annotations

import numpy as np
import pytest

from maml_tui.plotting import Charset
from maml_tui.plotting.series import Plot, Series, Stroke, legend


def test_samples_are_put_in_order_and_those_without_a_place_are_dropped():
    series = Series("a", [3, np.nan, 1, np.inf], [30, 0, 10, 0], [29, 0, 9, 0], [31, 0, 11, 0])
    assert series.x.tolist() == [1, 3]
    assert series.y.tolist() == [10, 30]
    assert series.low.tolist() == [9, 29]


def test_what_is_not_finite_or_far_too_large_is_a_gap_and_so_is_its_band():
    series = Series("a", [0, 1, 2], [np.inf, 1, -1e301], [0, 0, 0], [1, 1, 1])
    assert np.isnan(series.y).tolist() == [True, False, True]
    assert np.isnan(series.low).tolist() == [True, False, True]


def test_the_callers_arrays_are_left_alone():
    y = np.array([np.inf, 1.0])
    Series("a", [0, 1], y)
    assert y[0] == np.inf


@pytest.mark.parametrize("arrays", [{"y": [1.0]}, {"y": [1.0, 2.0], "low": [0.0]}, {"y": [[1.0, 2.0]]}])
def test_arrays_of_other_lengths_are_refused(arrays):
    with pytest.raises(ValueError, match="as long as x"):
        Series("a", [0, 1], **arrays)


def test_only_lines_without_a_band_are_smoothed():
    x = [0, 1, 2]
    assert Series("a", x, [0, 1, 0]).smoothed(0.5).tolist() == pytest.approx([0, 2 / 3, 2 / 7])
    assert Series("a", x, x).smoothed(0.0) is None
    assert Series("a", x, x, x, x).smoothed(0.5) is None
    assert Series("a", x, x, stroke=Stroke.POINTS).smoothed(0.5) is None


def test_the_legend_tells_lines_apart_without_colour():
    plot = Plot((Series("val", [], []), Series("a\x1b[2J\n", [], [], slot=1, stroke=Stroke.DASHED)))
    assert legend(plot) == ("A ━ val", "B ╌ a\\x1b[2J\\n")
    assert legend(Plot(plot.series, charset=Charset.ASCII)) == ("A - val", "B = a\\x1b[2J\\n")
