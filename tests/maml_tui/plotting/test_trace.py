from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maml_tui.plotting.render import dots, trace
from maml_tui.plotting.series import Stroke


def picture(u, v, rows, columns, stroke=Stroke.SOLID):
    line = trace(np.array(u, dtype=float), np.array(v, dtype=float), columns)
    return ["".join(" #"[int(dot)] for dot in row) for row in dots(line, rows, stroke, 1)]


def test_samples_are_joined_by_straight_lines():
    assert picture([0, 4], [4, 0], 5, 5) == ["    #", "   # ", "  #  ", " #   ", "#    "]


def test_a_steep_rise_is_joined_to_the_column_before():
    assert picture([0, 1], [4, 0], 5, 2) == [" #", " #", " #", " #", "# "]


def test_nan_breaks_the_line():
    assert picture([0, 2, 3, 4, 6], [0, 0, np.nan, 0, 0], 1, 7) == ["### ###"]


def test_a_lone_sample_is_a_dot():
    assert picture([1], [1], 3, 3) == ["   ", " # ", "   "]


def test_a_line_through_a_window_without_samples_is_seen():
    assert picture([-10, 10], [-10, 10], 3, 3) == ["#  ", " # ", "  #"]


def test_strokes_follow_the_length_of_the_line():
    flat, steep = ([0, 8], [0, 0], 1, 9), ([4, 5], [8, 0], 9, 6)
    assert picture(*flat, Stroke.DASHED) == ["## ## ## "]
    assert picture(*flat, Stroke.DOTTED) == ["# # # # #"]
    assert picture([0, 9], [0, 0], 1, 10, Stroke.DASH_DOTTED) == ["## # ## # "]
    assert sum(row[5] == "#" for row in picture(*steep, Stroke.DOTTED)) == 4


@given(st.integers(1, 4000), st.integers(1, 80), st.data())
def test_no_spike_is_lost(samples, columns, data):
    u = np.sort(np.random.default_rng(samples).uniform(-0.5, columns - 0.51, samples))
    v = np.full(samples, 5.0)
    spike = data.draw(st.integers(0, samples - 1))
    v[spike] = 0.0
    line = trace(u, v, columns)
    column = int(np.floor(u[spike] + 0.5))
    assert line.top[column] == 0.0
    assert dots(line, 6, Stroke.SOLID, 2)[0, column]


@given(st.lists(st.floats(-50, 50), min_size=2, max_size=200))
def test_a_line_without_gaps_has_none_in_its_picture(values):
    line = trace(np.linspace(0, 39, len(values)), np.array(values), 40)
    lit = np.pad(dots(line, 51, Stroke.SOLID, 2), 1)
    for column in range(1, 40):
        here, following = lit[:, column], lit[:, column + 1]
        if here.any() and following.any() and not np.isnan(line.top[column - 1 : column + 1]).any():
            touching = here | np.roll(here, 1) | np.roll(here, -1)
            outside = line.top[column] < 0 or line.top[column - 1] < 0
            assert outside or (touching & following).any()


@pytest.mark.parametrize("u", [[], [np.nan], [np.nan, np.nan]])
def test_nothing_is_drawn_of_nothing(u):
    line = trace(np.array(u), np.ones(len(u)), 3)
    assert np.isnan(line.top).all()
    assert line.last() is None
