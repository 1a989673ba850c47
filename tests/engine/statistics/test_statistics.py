"""Means, intervals, forecasts."""

from __future__ import annotations

import math

import numpy as np
import pytest

from engine.statistics.summary import summarise
from engine.training.reporting import Forecast, Pace


def test_a_summary_is_mean_interval_and_median():
    summary = summarise(np.array([1.0, 2.0, 3.0, 10.0]))
    assert summary.mean == 4
    assert summary.ci95 == pytest.approx(1.96 * math.sqrt(50 / 3) / 2)
    assert summary.median == 2.5


def test_the_interval_covers_the_truth_nineteen_times_in_twenty():
    rng = np.random.default_rng(0)
    samples = rng.normal(3.0, 2.0, size=(4000, 100))
    covered = [abs(s.mean - 3) <= s.ci95 for s in map(summarise, samples)]
    assert np.mean(covered) == pytest.approx(0.95, abs=0.015)


def test_no_task_is_dropped_and_the_median_stands():
    summary = summarise(np.array([1.0, np.nan, 2.0, np.inf, 1.5]))
    assert summary.mean == math.inf and math.isnan(summary.ci95) and summary.median == 2


def test_one_task_has_no_interval():
    assert math.isnan(summarise(np.array([1.0])).ci95)


def test_a_pace_follows_what_happens_now():
    pace = Pace()
    assert math.isnan(pace.seconds)
    for _ in range(50):
        pace.add(10.0, 10)
    assert pace.seconds == pytest.approx(1)
    for _ in range(50):
        pace.add(30.0, 10)
    assert pace.seconds == pytest.approx(3, rel=0.01)


def test_a_forecast_counts_evaluations_once_they_are_known():
    forecast = Forecast()
    assert math.isnan(forecast.seconds_left(10, 5))
    forecast.iterations.add(2.0, 1)
    assert forecast.seconds_left(10, 5) == pytest.approx(20)
    forecast.evaluated_steps.add(4.0, 2)
    assert forecast.seconds_left(10, 5) == pytest.approx(30)
