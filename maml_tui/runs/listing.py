"""The runs of a folder, read again and again at little cost, and in the order of a listing."""

from __future__ import annotations

import math
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, get_args

from engine.config.fields import applicable_fields
from engine.config.record import read_record
from engine.errors import ResourceError, UsageError
from engine.paths import runs_dir
from engine.runs.events import LIVE_STATES, State
from engine.runs.index import run_directories, summarise
from engine.runs.tags import Tags, read_tags
from maml_tui.reports.wording import MISSING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from engine.runs.directory import RunDirectory
    from engine.runs.status import Status


@dataclass(frozen=True)
class RunFacts:
    """A run at one moment."""

    run: RunDirectory
    status: Status

    @property
    def best(self) -> float | None:
        """Its best validation value as people write it: accuracy in per cent; None without a finite one."""
        best = self.status.best
        if best is None or not math.isfinite(best):
            return None
        return best * 100 if self.status.metric == "accuracy" else best

    @property
    def contest(self) -> tuple[str, str | None]:
        """What its best value may be compared in: the task and the metric."""
        return self.status.task, self.status.metric

    @cached_property
    def tags(self) -> Tags:
        """Its tags and note; none where they cannot be read (`maml runs show` says so)."""
        try:
            return read_tags(self.run)
        except ResourceError:
            return Tags()

    @property
    def options(self) -> Mapping[str, object]:
        """Every option that has an effect in it, by name; none where its configuration cannot be read."""
        return _options(self.run.config)


@cache  # a run's options never change, and reading them takes a millisecond
def _options(config: Path) -> Mapping[str, object]:
    try:
        asked = read_record(config).resolved.config
    except UsageError:
        return {}
    return {field.name: field.value(asked) for field in applicable_fields(asked)}


_STATES = sorted(get_args(State), key=lambda state: state not in LIVE_STATES)


@dataclass(frozen=True)
class Listing:
    """Runs in order, and what their rows need to know of the others.

    Attributes:
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


class Library:
    """The runs of a folder. What a run was found to be is kept for as long as its folder does not change.

    A status or tags file is replaced by renaming, which touches the folder. A live run is looked at every time, since
    its process can vanish without touching anything.
    """

    def __init__(self, root: Path | None = None) -> None:
        """Prepare to read the runs under `root` (`runs_dir()` if None); nothing is read yet."""
        self._root = root or runs_dir()
        self._known: dict[RunDirectory, tuple[int, RunFacts]] = {}

    def read(self) -> list[RunFacts]:
        """Return all runs as they are now, in no order.

        Raises:
            ResourceError: The folder cannot be read.
        """
        found: dict[RunDirectory, tuple[int, RunFacts]] = {}
        for run in run_directories(self._root):
            with suppress(FileNotFoundError):  # it may be removed at this moment
                found[run] = self._look_at(run)
        self._known = found
        return [facts for _, facts in found.values()]

    def _look_at(self, run: RunDirectory) -> tuple[int, RunFacts]:
        # Before the files: what changes while they are read is seen next time.
        changed = run.path.stat().st_mtime_ns
        known = self._known.get(run)
        if known and known[0] == changed and known[1].status.state not in LIVE_STATES:
            return known
        return changed, RunFacts(run, summarise(run).status)
