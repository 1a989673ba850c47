"""Numbers as people read them on axes and in readouts."""

from __future__ import annotations

import math
from enum import StrEnum

_HUGE = 1e12
"""Beyond this, all units are written as powers of ten."""


class Unit(StrEnum):
    """What the numbers of an axis are: a bare number, a fraction of one, a count, or seconds."""

    NUMBER = "number"
    PERCENT = "percent"
    COUNT = "count"
    TIME = "time"


def tick_label(value: float, step: float, unit: Unit) -> str:
    """Return the label of a tick: as short as tells it from its neighbours, which are `step` away.

    >>> tick_label(15_000, 5_000, Unit.COUNT), tick_label(0.2, 0.2, Unit.PERCENT), tick_label(0.001, 0.001, Unit.NUMBER)
    ('15k', '20%', '1e-3')
    """
    if unit is Unit.PERCENT:
        return _plain(value * 100, step * 100) + "%"
    if unit is Unit.COUNT:
        return _suffixed(value, step)
    if unit is Unit.TIME and step >= 1 and abs(value) < _HUGE:
        return _clock(value)
    return _plain(value, step)


def reading(value: float, unit: Unit) -> str:
    """Return one value in full, for a readout: `93.12%`, `18,212`, `0.2867`, `2:07:14`."""
    if not abs(value) < _HUGE:
        return f"{value:.4g}"
    if unit is Unit.PERCENT:
        return f"{value * 100:.2f}%"
    if unit is Unit.COUNT:
        return f"{value:,.0f}" if value == round(value) else f"{value:,.1f}"
    return _clock(value) if unit is Unit.TIME else f"{value:.4g}"


def _plain(value: float, step: float) -> str:
    decimals = _decimals(step)
    if value and (abs(value) >= 1e5 or (decimals >= 3 and abs(value) < 10 * step)):
        return _scientific(value, max(0, _order(value) - _order(step)))
    return f"{value:.{decimals}f}"


def _scientific(value: float, digits: int) -> str:
    mantissa, exponent = f"{value:.{digits}e}".split("e")
    if "." in mantissa:
        mantissa = mantissa.rstrip("0").rstrip(".")
    return f"{mantissa}e{int(exponent)}"


def _suffixed(value: float, step: float) -> str:
    for size, suffix in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if size <= abs(value) < size * 1e4:
            return f"{value / size:.{_decimals(step / size)}f}".removesuffix(".0") + suffix
    return _plain(value, step)


def _clock(seconds: float) -> str:
    minutes, second = divmod(round(abs(seconds)), 60)
    hour, minute = divmod(minutes, 60)
    return f"{'-' if seconds < 0 else ''}{hour}:{minute:02}:{second:02}"


def _decimals(step: float) -> int:
    return min(12, max(0, -_order(step)))


def _order(value: float) -> int:
    """Return the power of ten of a number, forgiving the last bits of 0.1 + 0.2."""
    return math.floor(math.log10(abs(value)) + 1e-9)
