"""What a query can ask about: facts of a run by short names, and every option of the schema by its own."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING, Literal, get_args, get_origin

from engine.config.fields import all_fields
from engine.runs.states import ENDED_STATES, LIVE_STATES, State
from maml_tui.browsing.kinds import age, day, flag, number, numbers, span, text, words

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.config.fields import OptionField
    from maml_tui.browsing.facts import RunFacts
    from maml_tui.browsing.kinds import Kind


@dataclass(frozen=True)
class Key:
    """Something that can be asked of a run.

    Attributes:
        get: Finds it; None where a run has no such thing, which fulfils no condition.
        kind: How it compares.
        slow: Whether finding it reads a file that listing runs does not read.
    """

    get: Callable[[RunFacts], object]
    kind: Kind
    slow: bool = False

    def condition(self, sign: str, value: str) -> Callable[[RunFacts], bool]:
        """Return what tells whether a run's value compares so.

        Raises:
            Unfit: The operator or the value does not fit.
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
