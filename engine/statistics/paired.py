"""How much better one run is than another on the same tasks, and how sure that is."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


_ACCURACY = 1e-15
_SMALLEST = 1e-300  # stands in for a zero denominator
_MAX_TERMS = 100_000
_HALVINGS = 60


def two_sided_p(t: float, freedom: int) -> float:
    """Return the probability that |T| exceeds |t|, T with `freedom` (>= 1) degrees of freedom.

    It is the regularised incomplete beta function I_x(freedom / 2, 1 / 2) at x = freedom / (freedom + t^2)
    (Abramowitz and Stegun 1964, 26.7.1). NaN if `t` is.
    """
    if math.isnan(t) or math.isinf(t):
        return math.nan if math.isnan(t) else 0.0
    square = t * t / freedom
    if math.isinf(square):
        return 0.0
    a, b = freedom / 2, 0.5
    x, rest = 1 / (1 + square), square / (1 + square)
    if x < (a + 1) / (a + b + 2):
        return _front(a, b, x, rest) * _fraction(a, b, x) / a
    return 1 - _front(b, a, rest, x) * _fraction(b, a, rest) / b


def critical_95(freedom: int) -> float:
    """Return the t that |T| exceeds with a probability of 0.05: 12.71 for one degree of freedom, 1.96 for many."""
    low, high = 1.9, 12.8
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if two_sided_p(middle, freedom) > 0.05 else (low, middle)
    return high


def _front(a: float, b: float, x: float, rest: float) -> float:
    """Return x^a (1 - x)^b / B(a, b), where `rest` = 1 - x; zero where x is."""
    if x == 0 or rest == 0:
        return 0.0
    log_beta = math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)
    return math.exp(a * math.log(x) + b * math.log(rest) - log_beta)


def _fraction(a: float, b: float, x: float) -> float:
    """Return the continued fraction of the incomplete beta function (26.5.8), evaluated forwards (Lentz 1976)."""
    value = above = 1.0
    below = 0.0
    for term in range(1, _MAX_TERMS):
        m = term // 2
        if term % 2:
            coefficient = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        else:
            coefficient = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        below = 1 / ((1 + coefficient * below) or _SMALLEST)
        above = (1 + coefficient / above) or _SMALLEST
        value *= above * below
        if abs(above * below - 1) < _ACCURACY:
            break
    return 1 / value


class PairedDifference(NamedTuple):
    """The difference of two numbers per task.

    Attributes:
        mean: Mean over tasks of first - second; not a number if any of them is not finite, since no task is dropped.
        ci95: Half width of its 95 % confidence interval by Student's t; not a number for fewer than two tasks.
        p: Probability of a mean at least as far from zero if the runs were equally good (two-sided paired t-test).
        tasks: Number of tasks.
        not_finite: How many of them have no finite difference.
    """

    mean: float
    ci95: float
    p: float
    tasks: int
    not_finite: int


def paired_difference(first: NDArray[np.floating], second: NDArray[np.floating]) -> PairedDifference:
    """Compare two numbers for each of the same tasks, `[tasks]` both, one task or more."""
    with np.errstate(invalid="ignore"):
        differences = np.asarray(first, dtype=np.float64) - np.asarray(second, dtype=np.float64)
    tasks = len(differences)
    not_finite = tasks - int(np.isfinite(differences).sum())
    if not_finite:
        return PairedDifference(math.nan, math.nan, math.nan, tasks, not_finite)
    mean = float(differences.mean())
    if tasks < 2:
        return PairedDifference(mean, math.nan, math.nan, tasks, 0)
    error = float(differences.std(ddof=1)) / math.sqrt(tasks)
    return PairedDifference(mean, critical_95(tasks - 1) * error, _p(mean, error, tasks - 1), tasks, 0)


def _p(mean: float, error: float, freedom: int) -> float:
    """Return the p-value of a mean with a standard error, which is zero where all differences are the same."""
    if error == 0:
        return 1.0 if mean == 0 else 0.0
    return two_sided_p(mean / error, freedom)
