"""The keys of a query: facts of a run by short names, and every option of the schema by its own."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache, partial
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

from engine.config.fields import OptionField, all_fields
from engine.runs.events import ENDED_STATES, LIVE_STATES, State
from engine.text import nearest

if TYPE_CHECKING:
    from maml_tui.runs.listing import RunFacts


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


class TermError(Exception):
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
        raise TermError(f"it is never {value}{hint}")
    return lambda found: any(word.casefold() == wanted for word in found)


def flag(sign: str, value: str) -> Test:
    """Compare yes or no."""
    _require_equality(sign)
    wanted = _FLAGS.get(value.casefold())
    if wanted is None:
        raise TermError("it is yes or no")
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
        raise TermError("compare it with < or >")
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
        raise TermError(f"it has no order: write : instead of {sign}")


def _read_number(value: str) -> float:
    found = _NUMBER.fullmatch(value.strip())
    if found is None:
        raise TermError("it is a number, such as 20, 1e-3, 60k or 93.5%")
    return float(found[1]) * _FACTORS.get((found[2] or "").lower(), 1.0)


def _read_span(value: str) -> float:
    found = _SPAN.fullmatch(value)
    if found is None:
        raise TermError("it is a length of time, such as 90s, 5m, 2h, 3d or 1w")
    return float(found[1]) * _SECONDS[found[2].lower()]


def _read_day(value: str, now: float) -> tuple[float, float]:
    """Return when a day begins and when it ends in local time, Unix seconds."""
    today = datetime.fromtimestamp(now).replace(hour=0, minute=0, second=0, microsecond=0)
    named = {"today": today, "yesterday": today - timedelta(days=1)}
    try:
        begin = named.get(value.casefold()) or datetime.strptime(value, "%Y-%m-%d")
        return begin.timestamp(), (begin + timedelta(days=1)).timestamp()
    except (ValueError, OverflowError, OSError):
        raise TermError("it is a day: today, yesterday, or written as 2026-01-31") from None


@dataclass(frozen=True)
class Key:
    """A fact of a run that a query can compare.

    Attributes:
        get: Finds it; None where a run has no such thing, which fulfils no condition.
        slow: Whether finding it reads a file that listing runs does not read.
    """

    get: Callable[[RunFacts], object]
    kind: Kind
    slow: bool = False

    def condition(self, sign: str, value: str) -> Callable[[RunFacts], bool]:
        """Return the test of whether a run's value compares so.

        Raises:
            TermError: The operator or the value does not fit.
        """
        test = self.kind(sign, value)
        return lambda facts: (found := self.get(facts)) is not None and test(found)


def run_keys(now: float) -> dict[str, Key]:
    """Return the keys that are no options, by name. Days and ages are counted from `now`, Unix seconds."""
    return {
        "name": Key(lambda facts: facts.status.name, text),
        "id": Key(lambda facts: facts.run.id, text),
        "task": Key(lambda facts: facts.status.task, text),
        "state": Key(_state_words, partial(words, (*get_args(State), "live", "ended"))),
        "tag": Key(lambda facts: facts.tags.tags, partial(words, ()), slow=True),
        "note": Key(lambda facts: facts.tags.note, text, slow=True),
        "acc": Key(lambda facts: facts.best if facts.status.metric == "accuracy" else None, number),
        "mse": Key(lambda facts: facts.best if facts.status.metric == "mse" else None, number),
        "best": Key(lambda facts: facts.best, number),
        "it": Key(lambda facts: facts.status.iteration, number),
        "speed": Key(lambda facts: facts.status.iterations_per_second, number),
        "device": Key(lambda facts: facts.status.device, text),
        "host": Key(lambda facts: facts.status.host, text),
        "started": Key(lambda facts: facts.status.created, partial(day, now)),
        "age": Key(lambda facts: facts.status.created, partial(age, now)),
        "time": Key(lambda facts: facts.status.seconds, span),
    }


@cache
def option_keys() -> dict[str, Key]:
    """Return the options of the schema as keys, by name."""
    return {
        name: Key(partial(_option, name), _kind_of(field), slow=True) for name, field in all_fields().items()
    }


def _state_words(facts: RunFacts) -> tuple[str, ...]:
    state = facts.status.state
    return (state, "live" if state in LIVE_STATES else "ended" if state in ENDED_STATES else "")


def _option(name: str, facts: RunFacts) -> object:
    value = facts.options.get(name)
    return (value,) if isinstance(value, str) else value


def _kind_of(field: OptionField) -> Kind:
    annotation = field.info.annotation
    if annotation is str or get_origin(annotation) is Literal:
        return partial(words, get_args(annotation))
    if get_origin(annotation) is tuple:
        return numbers
    return flag if annotation is bool else number
