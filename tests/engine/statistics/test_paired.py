from __future__ import annotations

import math

import numpy as np
import pytest

from engine.statistics.paired import paired_difference


def test_a_difference_worked_out_by_hand():
    # Differences 1, 2, 3, 4, 5: mean 3, standard deviation sqrt(2.5), standard error sqrt(1 / 2),
    # t = 3 sqrt(2) = 4.2426 with 4 degrees of freedom.
    found = paired_difference(np.array([2.0, 4, 6, 8, 10]), np.array([1.0, 2, 3, 4, 5]))
    assert found.mean == 3
    assert found.ci95 == pytest.approx(2.77645 * math.sqrt(0.5), rel=1e-5)
    # For 4 degrees of freedom the tail is 1 - s (3 - s^2) / 2 with s = t / sqrt(4 + t^2) = sqrt(9 / 11).
    s = math.sqrt(9 / 11)
    assert found.p == pytest.approx(1 - s * (3 - s * s) / 2, rel=1e-12)
    assert (found.tasks, found.not_finite) == (5, 0)


def test_the_other_way_round_only_the_sign_differs():
    one, other = np.random.default_rng(0).random((2, 50), dtype=np.float32)
    there, back = paired_difference(one, other), paired_difference(other, one)
    assert back == there._replace(mean=-there.mean)


def test_pairing_removes_what_the_tasks_share():
    tasks = np.linspace(0, 100, 600)
    gain = paired_difference(tasks + np.tile([0.9, 1.1], 300), tasks)
    assert gain.mean == pytest.approx(1) and gain.ci95 < 0.01 and gain.p < 1e-100


def test_equal_runs_give_small_p_as_often_as_it_says():
    rng = np.random.default_rng(1)
    found = [paired_difference(*rng.normal(size=(2, 12))) for _ in range(2000)]
    assert np.mean([one.p < 0.05 for one in found]) == pytest.approx(0.05, abs=0.015)
    assert all((one.p < 0.05) == (abs(one.mean) > one.ci95) for one in found)


def test_the_same_numbers_and_the_same_gain_everywhere():
    ones = np.ones(4)
    assert paired_difference(ones, ones) == (0, 0, 1, 4, 0)
    assert paired_difference(ones * 2, ones) == (1, 0, 0, 4, 0)


def test_no_task_is_dropped():
    found = paired_difference(np.array([1.0, np.nan, np.inf, 2.0]), np.array([1.0, 1.0, np.inf, -np.inf]))
    assert all(map(math.isnan, found[:3]))
    assert (found.tasks, found.not_finite) == (4, 3)


def test_a_single_task_has_a_difference_but_no_certainty():
    found = paired_difference(np.array([3.0]), np.array([1.0]))
    assert found.mean == 2 and math.isnan(found.ci95) and math.isnan(found.p)
