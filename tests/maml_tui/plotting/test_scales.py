from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from maml_tui.plotting.scales import Scale, Unit, next_range, nice_range, proper

numbers = st.floats(allow_nan=False, min_value=-1e300, max_value=1e300)
positive = st.floats(min_value=1e-280, max_value=1e280)


@pytest.mark.parametrize(
    ("data", "log", "expected"),
    [
        ((0.03, 0.96), False, (0.0, 1.0)),
        ((0.1, 1.7), False, (0.0, 2.0)),
        ((-3.0, 3.0), False, (-4.0, 4.0)),
        ((0.08, 1.7), True, (0.05, 2.0)),
        ((0.0, 0.0), False, (-1.0, 1.0)),
        ((0.3, 0.5), False, (0.3, 0.5)),
    ],
)
def test_a_nice_range_ends_at_round_numbers(data, log, expected):
    assert nice_range(*data, log) == pytest.approx(expected)


@given(numbers, numbers)
def test_a_range_holds_the_data_and_then_stays(a, b):
    low, high = min(a, b), max(a, b)
    chosen = next_range(None, low, high)
    assert chosen[0] <= low <= high <= chosen[1]
    assert chosen[0] < chosen[1]
    assert next_range(chosen, low, high) == chosen


@given(positive, positive)
def test_a_logarithmic_range_holds_the_data_and_then_stays(a, b):
    low, high = min(a, b), max(a, b)
    chosen = next_range(None, low, high, log=True)
    assert 0 < chosen[0] <= low * (1 + 1e-9)
    assert high <= chosen[1] * (1 + 1e-9)
    assert next_range(chosen, *chosen, log=True) == chosen


def test_a_range_moves_only_when_it_must():
    assert next_range((0.0, 2.0), 0.1, 1.2) == (0.0, 2.0)
    assert next_range((0.0, 2.0), 0.1, 2.1) == (0.0, 2.5)
    assert next_range((0.0, 2.0), 0.1, 0.3) == pytest.approx((0.1, 0.3))


def test_one_linear_range_serves_no_logarithmic_axis():
    assert next_range((0.0, 2.0), 0.1, 1.7, log=True) == (0.1, 2.0)


@pytest.mark.parametrize(
    ("scale", "count", "unit", "labels"),
    [
        (Scale(0, 60_000), 4, Unit.COUNT, ["0", "20k", "40k", "60k"]),
        (
            Scale(0, 60_000),
            12,
            Unit.COUNT,
            ["0", "5k", "10k", "15k", "20k", "25k", "30k", "35k", "40k", "45k", "50k", "55k", "60k"],
        ),
        (Scale(0, 1), 5, Unit.PERCENT, ["0%", "20%", "40%", "60%", "80%", "100%"]),
        (Scale(1e-4, 1, log=True), 5, Unit.NUMBER, ["1e-4", "1e-3", "0.01", "0.1", "1"]),
        (Scale(0.1, 2, log=True), 5, Unit.NUMBER, ["0.1", "0.2", "0.5", "1", "2"]),
        (Scale(1e-9, 1, log=True), 4, Unit.NUMBER, ["1e-9", "1e-6", "1e-3", "1"]),
        (Scale(2.1, 2.6, log=True), 5, Unit.NUMBER, ["2.1", "2.2", "2.3", "2.4", "2.5", "2.6"]),
        (Scale(0, 7200), 4, Unit.TIME, ["0:00:00", "0:30:00", "1:00:00", "1:30:00", "2:00:00"]),
        (
            Scale(0, 5 * 86400),
            5,
            Unit.TIME,
            ["0:00:00", "24:00:00", "48:00:00", "72:00:00", "96:00:00", "120:00:00"],
        ),
        (Scale(0.5, 4.9), 2, Unit.NUMBER, ["2", "4"]),
    ],
)
def test_ticks_stand_at_round_numbers(scale, count, unit, labels):
    assert [tick.label for tick in scale.ticks(count, unit)] == labels


@given(numbers, numbers, st.booleans(), st.integers(1, 30), st.sampled_from(Unit))
def test_ticks_are_few_ascending_and_inside(a, b, log, count, unit):
    low, high = proper(min(a, b), max(a, b), log)
    values = [tick.value for tick in Scale(low, high, log).ticks(count, unit)]
    assert len(values) <= 2 * max(count, 32) + 1
    assert values == sorted(values)
    margin = 1e-6 * (high - low)
    assert all(low - margin <= value <= high + margin for value in values)


@given(numbers, numbers, st.booleans())
def test_an_axis_maps_its_ends_to_zero_and_one(a, b, log):
    low, high = proper(min(a, b), max(a, b), log)
    assert np.allclose(Scale(low, high, log).fraction(np.array([low, high])), [0, 1])


def test_what_a_logarithmic_axis_cannot_show_has_no_place():
    assert np.isnan(Scale(1, 10, log=True).fraction(np.array([0.0, -1.0, math.nan]))).all()


@given(numbers)
def test_an_empty_interval_is_widened_around_its_value(value):
    low, high = proper(value, value, False)
    assert low < value < high
    assume(value > 1e-280)
    low, high = proper(value, value, True)
    assert 0 < low < value < high


@given(st.floats(1e-3, 1e3), st.floats(1.001, 1e3), st.floats(0, 1), st.booleans())
def test_what_lies_at_a_fraction_lies_there(low, ratio, fraction, log):
    scale = Scale(low, low * ratio, log)
    assert scale.fraction(np.array([scale.value(fraction)]))[0] == pytest.approx(fraction, abs=1e-9)
