"""How numbers are written, everywhere a person reads them."""

from __future__ import annotations

import math
from datetime import datetime, timedelta

_SIGNIFICANT = 4
_MAX_PLAIN = 1e6
MISSING = "-"


def metric_name(metric: str) -> str:
    """Return the heading of a metric's column, with its unit."""
    return "accuracy %" if metric == "accuracy" else metric


def metric_value(metric: str, value: float | None) -> str:
    """Write a metric: accuracy (0 to 1) in per cent with two decimals, others with four significant digits."""
    if value is None:
        return MISSING
    return _fixed(value * _scale(metric), _decimals(metric, value))


def with_interval(metric: str, mean: float | None, ci95: float | None) -> str:
    """Write a mean and the half-width of its confidence interval with the same number of decimals."""
    if mean is None or not math.isfinite(mean):
        return metric_value(metric, mean)
    if ci95 is None or not math.isfinite(ci95):
        return f"{metric_value(metric, mean)} ± {MISSING}"
    decimals = _decimals(metric, mean)
    return f"{_fixed(mean * _scale(metric), decimals)} ± {_fixed(ci95 * _scale(metric), decimals)}"


def significant(value: float | None, digits: int = 3) -> str:
    """Write a positive number such as a speed with so many significant digits, thousands apart."""
    if value is None or not math.isfinite(value):
        return MISSING
    decimals = 0 if value == 0 else max(0, digits - 1 - math.floor(math.log10(abs(value))))
    return f"{value:,.{min(decimals, 9)}f}"


def duration(seconds: float | None) -> str:
    """Write a duration as `m:ss` or `h:mm:ss`."""
    if seconds is None or not math.isfinite(seconds):
        return MISSING
    minutes, rest = divmod(max(0, round(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def moment(then: float, now: float) -> str:
    """Write when something happened (both Unix seconds) in local time, as far as it helps: `today 11:55`."""
    when, today = datetime.fromtimestamp(then).astimezone(), datetime.fromtimestamp(now).astimezone().date()
    if when.date() == today:
        return f"today {when:%H:%M}"
    if timedelta(0) < today - when.date() < timedelta(days=7):
        return f"{when:%a %H:%M}"
    return f"{when:%Y-%m-%d}"


def _scale(metric: str) -> float:
    return 100.0 if metric == "accuracy" else 1.0


def _decimals(metric: str, value: float) -> int:
    if metric == "accuracy" or value == 0 or not math.isfinite(value):
        return 2
    return max(0, _SIGNIFICANT - 1 - math.floor(math.log10(abs(value))))


def _fixed(value: float, decimals: int) -> str:
    if not math.isfinite(value):
        return "not finite"
    return f"{value:.3g}" if abs(value) >= _MAX_PLAIN or decimals > 9 else f"{value:.{decimals}f}"
