from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maml_tui.plotting import Charset
from maml_tui.plotting.glyphs import bar, sparkline

anything = st.floats(allow_nan=True, allow_infinity=True)


@pytest.mark.parametrize(
    ("fraction", "charset", "expected"),
    [
        (0.0, Charset.UNICODE, "    "),
        (0.5, Charset.UNICODE, "██  "),
        (0.28125, Charset.BLOCK, "█▏  "),
        (1.0, Charset.UNICODE, "████"),
        (7.0, Charset.UNICODE, "████"),
        (0.5, Charset.ASCII, "##  "),
        (math.nan, Charset.ASCII, "    "),
    ],
)
def test_a_bar_is_filled_to_its_fraction(fraction, charset, expected):
    assert bar(fraction, 4, charset) == expected


@given(anything, st.integers(0, 30), st.sampled_from(Charset))
def test_a_bar_is_as_wide_as_asked(fraction, width, charset):
    assert len(bar(fraction, width, charset)) == width


@pytest.mark.parametrize(
    ("values", "width", "expected"),
    [
        ([0, 1, 2, 3, 4, 5, 6, 7], 8, "▁▂▃▄▅▆▇█"),
        ([0, 7], 4, "  ▁█"),
        ([0, 0, 7, 0], 2, "▁█"),
        ([0, math.nan, 7], 3, "▁ █"),
        ([5, 5], 2, "▁▁"),
        ([math.nan], 2, "  "),
        ([], 2, "  "),
    ],
)
def test_a_sparkline_shows_the_newest_at_the_right(values, width, expected):
    assert sparkline(values, width, Charset.UNICODE) == expected


def test_limits_hold_a_sparkline_still():
    assert sparkline([0, 50, 100, 200], 4, Charset.ASCII, limits=(0, 100)) == "_=##"


@given(st.lists(anything, max_size=60), st.integers(0, 30), st.sampled_from(Charset))
def test_a_sparkline_is_as_wide_as_asked(values, width, charset):
    assert len(sparkline(values, width, charset)) == width
