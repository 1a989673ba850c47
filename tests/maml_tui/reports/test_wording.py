from __future__ import annotations

import math
from datetime import datetime

import pytest

from maml_tui.reports.wording import duration, metric_value, moment, significant, with_interval


@pytest.mark.parametrize(
    ("metric", "value", "text"),
    [
        ("accuracy", 0.93125, "93.12"),
        ("accuracy", 1.0, "100.00"),
        ("mse", 0.35, "0.3500"),
        ("mse", 12.3456, "12.35"),
        ("mse", 0.0, "0.00"),
        ("mse", 1.5e9, "1.5e+09"),
        ("mse", 3e-12, "3e-12"),
        ("mse", math.nan, "not finite"),
        ("accuracy", math.inf, "not finite"),
        ("mse", None, "-"),
    ],
)
def test_a_metric_is_written_with_the_digits_that_count(metric, value, text):
    assert metric_value(metric, value) == text


@pytest.mark.parametrize(
    ("metric", "mean", "ci95", "text"),
    [
        ("accuracy", 0.9312, 0.0071, "93.12 ± 0.71"),
        ("mse", 0.35, 0.021, "0.3500 ± 0.0210"),
        ("mse", 3.8, 5.2, "3.800 ± 5.200"),
        ("mse", 3.8, math.nan, "3.800 ± -"),
        ("mse", math.nan, 1.0, "not finite"),
        ("accuracy", None, None, "-"),
    ],
)
def test_an_interval_has_the_decimals_of_its_mean(metric, mean, ci95, text):
    assert with_interval(metric, mean, ci95) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (2.414, "2.41"),
        (38.62, "38.6"),
        (4281.2, "4,281"),
        (0.0123, "0.0123"),
        (0, "0"),
        (None, "-"),
        (math.nan, "-"),
    ],
)
def test_speeds_have_three_significant_digits(value, text):
    assert significant(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0:00"),
        (14.4, "0:14"),
        (59.6, "1:00"),
        (17340, "4:49:00"),
        (360000, "100:00:00"),
        (None, "-"),
        (math.nan, "-"),
    ],
)
def test_durations_read_like_a_clock(seconds, text):
    assert duration(seconds) == text


def test_a_moment_says_no_more_than_is_needed():
    now = datetime(2026, 3, 12, 15, 0).astimezone().timestamp()
    hour = 3600
    assert moment(now - hour, now) == "today 14:00"
    assert moment(now - 2 * 24 * hour, now) == "Tue 15:00"
    assert moment(now - 30 * 24 * hour, now) == "2026-02-10"
    assert moment(now + 24 * hour, now) == "2026-03-13"
