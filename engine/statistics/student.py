"""Student's t distribution, as far as a paired comparison needs it."""

from __future__ import annotations

import math

_ACCURACY = 1e-15
_SMALLEST = 1e-300  # stands in for a zero denominator
_MOST_TERMS = 100_000
_HALVINGS = 60


def two_sided_p(t: float, freedom: int) -> float:
    """Return the probability that |T| exceeds |t|, T with `freedom` (>= 1) degrees of freedom.

    It is the regularised incomplete beta function I_x(freedom / 2, 1 / 2) at x = freedom / (freedom + t^2)
    (Abramowitz and Stegun 1964, 26.7.1). Not a number if `t` is not.
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
    for term in range(1, _MOST_TERMS):
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
