from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maml_tui.plotting.scales import Unit, reading, tick_label


@pytest.mark.parametrize(
    ("value", "step", "unit", "label"),
    [
        (15_000, 5_000, Unit.COUNT, "15k"),
        (2_500, 500, Unit.COUNT, "2.5k"),
        (2_000, 500, Unit.COUNT, "2k"),
        (1_500_000, 500_000, Unit.COUNT, "1.5M"),
        (500, 100, Unit.COUNT, "500"),
        (1.0, 0.2, Unit.PERCENT, "100%"),
        (0.925, 0.005, Unit.PERCENT, "92.5%"),
        (0.001, 0.001, Unit.NUMBER, "1e-3"),
        (0.01, 0.01, Unit.NUMBER, "0.01"),
        (0.9992, 0.0002, Unit.NUMBER, "0.9992"),
        (300_000, 100_000, Unit.NUMBER, "3e5"),
        (123_450, 50, Unit.NUMBER, "1.2345e5"),
        (0.1 + 0.2, 0.1, Unit.NUMBER, "0.3"),
        (-2.0, 1.0, Unit.NUMBER, "-2"),
        (5_400, 1_800, Unit.TIME, "1:30:00"),
    ],
)
def test_a_tick_is_labelled_as_short_as_its_step_allows(value, step, unit, label):
    assert tick_label(value, step, unit) == label


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.9312, Unit.PERCENT, "93.12%"),
        (18_212, Unit.COUNT, "18,212"),
        (2.5, Unit.COUNT, "2.5"),
        (0.28674, Unit.NUMBER, "0.2867"),
        (7_634, Unit.TIME, "2:07:14"),
        (-7_634, Unit.TIME, "-2:07:14"),
        (math.nan, Unit.PERCENT, "nan"),
        (1e300, Unit.COUNT, "1e+300"),
    ],
)
def test_a_reading_shows_the_value_in_full(value, unit, text):
    assert reading(value, unit) == text


@given(st.floats(-1e300, 1e300), st.sampled_from(Unit))
def test_labels_stay_short_enough_to_print(value, unit):
    assert 0 < len(tick_label(value, max(1e-9, abs(value) * 1e-9), unit)) < 25
    assert 0 < len(reading(value, unit)) < 25
