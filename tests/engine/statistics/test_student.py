"""Against printed tables, closed forms, and the integral done by brute force."""

from __future__ import annotations

import math

import numpy as np
import pytest

from engine.statistics.paired import critical_95, two_sided_p


@pytest.mark.parametrize(
    ("freedom", "t05", "t001"),
    [
        (1, 12.706, 636.619),
        (2, 4.303, 31.599),
        (5, 2.571, 6.869),
        (10, 2.228, 4.587),
        (30, 2.042, 3.646),
        (60, 2.000, 3.460),
        (120, 1.980, 3.373),
        (999_999, 1.960, 3.291),
    ],
)
def test_the_printed_tables(freedom, t05, t001):
    assert critical_95(freedom) == pytest.approx(t05, abs=5e-4)
    assert two_sided_p(critical_95(freedom), freedom) == pytest.approx(0.05, rel=1e-9)
    assert two_sided_p(t001, freedom) == pytest.approx(0.001, rel=2e-3)
    assert two_sided_p(-t001, freedom) == two_sided_p(t001, freedom)


@pytest.mark.parametrize("t", [1e-9, 0.1, 1.0, 1.7, 5.0, 300.0, 1e8])
def test_the_closed_forms_of_one_and_two_degrees(t):
    assert two_sided_p(t, 1) == pytest.approx(2 / math.pi * math.atan2(1, t), rel=1e-9)
    root = math.hypot(t, math.sqrt(2))
    assert two_sided_p(t, 2) == pytest.approx(2 / (root * (root + t)), rel=1e-9)


@pytest.mark.parametrize(("t", "freedom"), [(0.3, 7), (2.5, 19), (3.0, 599), (6.0, 599)])
def test_the_tail_is_the_integral_of_the_density(t, freedom):
    x = np.linspace(t, t + 200, 400_001)
    scale = math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2) - math.log(freedom * math.pi) / 2
    density = np.exp(scale - (freedom + 1) / 2 * np.log1p(x * x / freedom))
    assert two_sided_p(t, freedom) == pytest.approx(2 * np.trapezoid(density, x), rel=1e-5)


def test_the_ends():
    assert two_sided_p(0.0, 5) == 1
    assert two_sided_p(math.inf, 5) == two_sided_p(1e300, 5) == 0
    assert math.isnan(two_sided_p(math.nan, 5))
    assert 0 < two_sided_p(30.0, 600) < 1e-100
