"""The query language that selects runs.

    omniglot state:done ways:20 inner_lr<0.1 acc>=90 -tag:debug "two words"

Every term must hold; `-` before a term negates it. A word is looked for in name, id and task. `key:value` compares
a fact of the run (`terms.py`): `:` finds a part of a text that people write, and means the same as `=` otherwise.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from engine.errors import UsageError
from engine.text import nearest, printable
from maml_tui.runs.terms import TermError, option_keys, run_keys

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from maml_tui.runs.listing import RunFacts

_TERM = re.compile(
    r"""\s*
        (?P<minus>-?)
        (?:(?P<key>[A-Za-z]\w*)(?P<sign><=|>=|[:=<>]))?
        (?:"(?P<double>[^"]*)"|'(?P<single>[^']*)'|(?P<bare>[^\s"']\S*)?)
        (?P<rest>\S*)""",
    re.VERBOSE,
)


class QueryError(UsageError):
    """A query that cannot be understood; `position` is where in its text the trouble begins, from 0."""

    def __init__(self, problem: str, position: int) -> None:
        self.position = position
        super().__init__(problem)


class Term(NamedTuple):
    """One condition; a slow one needs a file that listing runs does not read."""

    holds: Callable[[RunFacts], bool]
    slow: bool = False


@dataclass(frozen=True)
class Query:
    """Conditions that must all hold; the slow ones come last."""

    terms: tuple[Term, ...] = ()

    def matches(self, facts: RunFacts) -> bool:
        """Return whether a run matches."""
        return all(term.holds(facts) for term in self.terms)

    def select(self, found: Iterable[RunFacts]) -> list[RunFacts]:
        """Return the runs that match."""
        return [facts for facts in found if self.matches(facts)]


def parse_query(text: str, now: float) -> Query:
    """Read a query; `now` is the moment that `today` and `age` refer to, Unix seconds.

    Raises:
        QueryError: It cannot be understood; says where and why.
    """
    text = text.rstrip()
    terms, position = [], 0
    while position < len(text):
        found = _TERM.match(text, position)
        assert found is not None  # noqa: S101 - every part of the pattern may be empty
        try:
            terms.append(_term(found, now))
        except TermError as error:
            raise QueryError(
                f"{printable(found[0].strip())}: {printable(error)}", found.start("minus")
            ) from None
        position = found.end()
    return Query(tuple(sorted(terms, key=lambda term: term.slow)))


def _term(found: re.Match[str], now: float) -> Term:
    quoted = found["single"] if found["double"] is None else found["double"]
    value = quoted if quoted is not None else found["bare"] or ""
    if found["rest"]:
        raise TermError(
            "the quotation mark is never closed" if quoted is None else "put a space after the quotation mark"
        )
    if not value.strip():
        raise TermError("something is missing here")
    if found["key"] is None:
        term = _has_word(value, quoted is not None)
    else:
        term = _condition(found["key"], found["sign"], value, now)
    return term._replace(holds=lambda facts: not term.holds(facts)) if found["minus"] else term


def _condition(name: str, sign: str, value: str, now: float) -> Term:
    known = {**run_keys(now), **option_keys()}
    key = known.get(name.lower())
    if key is None:
        raise TermError(f"no key is called {name}{nearest(name.lower(), known)}")
    return Term(key.condition(sign, value), key.slow)


def _has_word(word: str, quoted: bool) -> Term:
    if not quoted and re.search("[:=<>]", word):
        raise TermError("this is no condition; put it in quotation marks to look for these characters")
    wanted = word.casefold()
    return Term(
        lambda facts: any(
            wanted in text.casefold() for text in (facts.status.name, facts.run.id, facts.status.task)
        )
    )
