"""Axes: ranges that rarely move, the map from values to places, and ticks at round numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Interval = tuple[float, float]


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


_INTERVALS = 5
"""About how many steps a rounded range is divided into."""

_MAX_TICKS = 32
"""No finer steps than this many to an axis are tried in order to have two ticks on it."""

_ROOMY = 2.5
"""A range is kept until it is this many times larger than the one that would be chosen afresh."""

_TINY = 1e-290
"""Distances and logarithmic values below this count as none: their reciprocals must still be numbers."""

_FAR = 1e6
"""Places are cut off so many lengths of the axis away, to stay finite."""

_SECONDS = (2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400)
"""Steps between ticks of time that people count in; longer ones are 1-2-5 multiples of a day."""


@dataclass(frozen=True)
class Tick:
    """A place on an axis and what is written there."""

    value: float
    label: str


@dataclass(frozen=True)
class Scale:
    """The map from values to fractions of an axis. Needs low < high, and 0 < low if logarithmic (see `proper`)."""

    low: float
    high: float
    log: bool = False

    def fraction(self, values: Floats) -> Floats:
        """Return where values lie: 0 at the low end, 1 at the high end, NaN where the axis has no place for them."""
        with np.errstate(over="ignore"):
            if self.log:
                start, length = math.log(self.low), math.log(self.high) - math.log(self.low)
                placed = (np.log(np.where(values > 0, values, np.nan)) - start) / length
            else:
                placed = (values - self.low) / (self.high - self.low)
        return placed.clip(-_FAR, _FAR)

    def value(self, fraction: float) -> float:
        """Return what lies at a fraction of the axis."""
        if self.log:
            return self.low * math.exp(fraction * (math.log(self.high) - math.log(self.low)))
        return self.low + fraction * (self.high - self.low)

    def raised(self, edge: Floats) -> Floats:
        """Return the lower edge of a band, raised to the low end where a logarithmic axis has no place for it."""
        return np.where(edge <= 0, self.low, edge) if self.log else edge

    def ticks(self, count: int, unit: Unit) -> tuple[Tick, ...]:
        """Return ticks at round numbers inside the range: about `count` of them, and two where that can be."""
        values = _log_values(self.low, self.high, count) if self.log else []
        if len(values) > 1:
            return tuple(Tick(value, tick_label(value, value, unit)) for value in values)
        step = _nice((self.high - self.low) / max(1, count), unit)
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        first = max(1, first) if self.log else first
        if last <= first and count < _MAX_TICKS:
            return self.ticks(2 * count, unit)
        return tuple(Tick(i * step, tick_label(i * step, step, unit)) for i in range(first, last + 1))


def proper(low: float, high: float, log: bool) -> Interval:
    """Return the interval itself, or the nearest one an axis can have: ascending, and positive if logarithmic."""
    low, high = min(low, high), max(low, high)
    if log:
        high = max(high, _TINY) if high > 0 else 1.0
        low = max(low, _TINY) if low > 0 else min(1.0, high / 1000)
    magnitude = max(abs(low), abs(high))
    if high - low > max(1e-9 * magnitude, _TINY):
        return low, high
    if log:
        return high / 2, high * 2
    margin = 0.1 * magnitude if magnitude > _TINY else 1.0
    return low - margin, high + margin


def nice_range(low: float, high: float, log: bool = False) -> Interval:
    """Return a range that holds [low, high] and ends at 1-2-5 numbers."""
    low, high = proper(low, high, log)
    if log:
        return min(low, 1 / _nice(1 / low)), _nice(high)
    step = _nice((high - low) / _INTERVALS)
    return (
        min(low, math.floor(low / step + 1e-9) * step),
        max(high, math.ceil(high / step - 1e-9) * step),
    )


def next_range(previous: Interval | None, low: float, high: float, log: bool = False) -> Interval:
    """Return the range to show now, so that an axis of live data rarely moves.

    That is the previous range while the data lies in it and fills a fair part of it, else a fresh 1-2-5 range.
    """
    fresh = nice_range(low, high, log)
    if previous is None or not previous[0] <= low <= high <= previous[1]:
        return fresh
    return fresh if _size(previous, log) > _ROOMY * _size(fresh, log) else previous


def _size(interval: Interval, log: bool) -> float:
    low, high = interval
    if not log:
        return high - low
    return math.log(high) - math.log(low) if low > 0 else math.inf


def _nice(size: float, unit: Unit = Unit.NUMBER) -> float:
    """Return the smallest round number that is not below `size`."""
    if unit is Unit.TIME and size > 1:
        if size <= _SECONDS[-1]:
            return float(next(step for step in _SECONDS if step >= size))
        return _nice(size / _SECONDS[-1]) * _SECONDS[-1]
    power = 10.0 ** math.floor(math.log10(size))
    return next(digit * power for digit in (1, 2, 5, 10, 20) if digit * power >= size * (1 - 1e-9))


def _log_values(low: float, high: float, count: int) -> list[float]:
    """Return 1-2-5 numbers in a range if they are not too many, else powers of ten, or every so many of them."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    stride = max(1, math.ceil((len(powers) - 1) / max(1, count)))
    every = [digit * 10.0**power for power in powers for digit in (1, 2, 5)]
    fine, coarse = (
        [value for value in values if low * (1 - 1e-9) <= value <= high * (1 + 1e-9)]
        for values in (every, every[:: 3 * stride])
    )
    return fine if len(fine) <= count + 1 else coarse
