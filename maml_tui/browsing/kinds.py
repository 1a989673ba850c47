"""How what a person types in a query compares with what a run has.

Each kind makes a test of an operator (`: = < <= > >=`) and a value as typed, or raises `Unfit`.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from engine.text import nearest

if TYPE_CHECKING:
    from collections.abc import Sequence

Test = Callable[[Any], bool]
Kind = Callable[[str, str], Test]

_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_NUMBER = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)(%|k|m)?", re.IGNORECASE)
_FACTORS = {"k": 1e3, "m": 1e6}
_SPAN = re.compile(r"(\d+\.?\d*|\.\d+)([smhdw])", re.IGNORECASE)
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_FLAGS = {"yes": True, "true": True, "on": True, "no": False, "false": False, "off": False}


class Unfit(Exception):  # noqa: N818 - the parser makes a failure of it, with the place
    """An operator or a value that does not fit, with the reason."""


def text(sign: str, value: str) -> Test:
    """Compare a text that people write: `:` finds a part of it, `=` the whole. Case makes no difference."""
    _require_equality(sign)
    wanted = value.casefold()
    if sign == ":":
        return lambda found: wanted in found.casefold()
    return lambda found: found.casefold() == wanted


def words(choices: Sequence[str], sign: str, value: str) -> Test:
    """Look for a word among a run's words; if there are any `choices`, it must be one of them."""
    _require_equality(sign)
    wanted = value.casefold()
    if choices and wanted not in choices:
        hint = nearest(wanted, choices) or f"; it can be {', '.join(choices)}"
        raise Unfit(f"it is never {value}{hint}")
    return lambda found: any(word.casefold() == wanted for word in found)


def flag(sign: str, value: str) -> Test:
    """Compare yes or no."""
    _require_equality(sign)
    wanted = _FLAGS.get(value.casefold())
    if wanted is None:
        raise Unfit("it is yes or no")
    return lambda found: found is wanted


def number(sign: str, value: str) -> Test:
    """Compare a number."""
    wanted = _read_number(value)
    if sign in _ORDER:
        return lambda found: _ORDER[sign](found, wanted)
    return lambda found: math.isclose(found, wanted, rel_tol=1e-9)


def numbers(sign: str, value: str) -> Test:
    """Compare several numbers at once, such as `40,40`."""
    _require_equality(sign)
    wanted = [_read_number(part) for part in value.strip("[]() ").split(",")]
    return lambda found: list(found) == wanted


def span(sign: str, value: str) -> Test:
    """Compare a length of time, in seconds."""
    if sign not in _ORDER:
        raise Unfit("compare it with < or >")
    wanted = _read_span(value)
    return lambda found: _ORDER[sign](found, wanted)


def age(now: float, sign: str, value: str) -> Test:
    """Compare the time between a moment and `now`, both Unix seconds."""
    test = span(sign, value)
    return lambda moment: test(now - moment)


def day(now: float, sign: str, value: str) -> Test:
    """Compare a moment with a day of the calendar: `<` before it, `>` after it, `:` within it."""
    begins, ends = _read_day(value, now)
    if sign in _ORDER:
        edge = begins if sign in ("<", ">=") else ends
        before = sign in ("<", "<=")
        return lambda moment: (moment < edge) is before
    return lambda moment: begins <= moment < ends


def _require_equality(sign: str) -> None:
    if sign in _ORDER:
        raise Unfit(f"it has no order: write : instead of {sign}")


def _read_number(value: str) -> float:
    found = _NUMBER.fullmatch(value.strip())
    if found is None:
        raise Unfit("it is a number, such as 20, 1e-3, 60k or 93.5%")
    return float(found[1]) * _FACTORS.get((found[2] or "").lower(), 1.0)


def _read_span(value: str) -> float:
    found = _SPAN.fullmatch(value)
    if found is None:
        raise Unfit("it is a length of time, such as 90s, 5m, 2h, 3d or 1w")
    return float(found[1]) * _SECONDS[found[2].lower()]


def _read_day(value: str, now: float) -> tuple[float, float]:
    """Return when a day begins and when it ends in local time, Unix seconds."""
    today = datetime.fromtimestamp(now).replace(hour=0, minute=0, second=0, microsecond=0)
    named = {"today": today, "yesterday": today - timedelta(days=1)}
    try:
        begin = named.get(value.casefold()) or datetime.strptime(value, "%Y-%m-%d")
        return begin.timestamp(), (begin + timedelta(days=1)).timestamp()
    except (ValueError, OverflowError, OSError):
        raise Unfit("it is a day: today, yesterday, or written as 2026-01-31") from None
