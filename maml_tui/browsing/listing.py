"""Which runs a person sees, and in what order."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, get_args

from engine.runs.states import LIVE_STATES, State
from maml_tui.wording import MISSING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from maml_tui.browsing.facts import RunFacts

_STATES = sorted(get_args(State), key=lambda state: state not in LIVE_STATES)


@dataclass(frozen=True)
class Listing:
    """Runs in order, and what their rows need to know of the others.

    Attributes:
        rows: The runs asked for.
        total: How many there are in all.
        leaders: The best value in each contest that more than one run takes part in.
        now: When it was made, Unix seconds.
    """

    rows: tuple[RunFacts, ...] = ()
    total: int = 0
    leaders: Mapping[tuple[str, str | None], float] = field(default_factory=dict)
    now: float = 0.0

    def behind(self, facts: RunFacts) -> str:
        """Write how far a run's best value is from the best one of its contest, in percentage points or as MSE."""
        best, leader = facts.best, self.leaders.get(facts.contest)
        if best is None or leader is None:
            return MISSING
        if best == leader:
            return "best"
        return f"{best - leader:+.2f}" if facts.status.metric == "accuracy" else f"{best - leader:+.3g}"


def arrange(chosen: Iterable[RunFacts], found: Sequence[RunFacts], order: str, now: float) -> Listing:
    """Return the chosen ones of the runs found in one of the `ORDERS`; among equals the newest first."""
    newest = sorted(chosen, key=lambda facts: (facts.status.created, facts.run.id), reverse=True)
    return Listing(tuple(sorted(newest, key=ORDERS[order])), len(found), _leaders(found), now)


def _leaders(found: Sequence[RunFacts]) -> dict[tuple[str, str | None], float]:
    contests: dict[tuple[str, str | None], list[float]] = {}
    for facts in found:
        if facts.best is not None:
            contests.setdefault(facts.contest, []).append(facts.best)
    return {
        contest: (min if contest[1] == "mse" else max)(values)
        for contest, values in contests.items()
        if len(values) > 1
    }


def _by_best(facts: RunFacts) -> tuple[Any, ...]:
    """Sort contest by contest, since values of different ones say nothing about each other."""
    task, metric = facts.contest
    best = facts.best
    return (task, metric or "", best is None, (best or 0.0) * (1 if metric == "mse" else -1))


ORDERS: Mapping[str, Callable[[RunFacts], Any]] = {
    "newest": lambda facts: 0,  # noqa: ARG005 - as they come
    "state": lambda facts: _STATES.index(facts.status.state),
    "best": _by_best,
    "name": lambda facts: facts.status.name.casefold(),
    "speed": lambda facts: -(facts.status.iterations_per_second or 0.0),
    "time": lambda facts: -facts.status.seconds,
}
"""What runs can be sorted by: a key for each, smallest first."""
