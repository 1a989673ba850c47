"""What a person asked of a run, and what came of it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from engine.errors import UsageError
from engine.runs.control import request
from engine.runs.events import LIVE_STATES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from engine.runs.control import StopMode, Verb
    from engine.runs.events import RequestEvent
    from engine.runs.status import Status
    from maml_tui.runs.watch import RunWatch

PATIENCE = 10.0
"""Seconds after which it is told that a run has not answered."""

_ACCEPTED: dict[str, str] = {
    "pause": "paused",
    "resume": "it goes on",
    "checkpoint": "a checkpoint is written",
    "evaluate": "it is measured on the validation tasks",
    "stop": "it stops",
}


class News(NamedTuple):
    """Something to tell.

    Attributes:
        text: A sentence.
        problem: Whether something went wrong.
    """

    text: str
    problem: bool = False


@dataclass
class _Asked:
    verb: Verb
    since: float
    overdue: bool = False


@dataclass
class Steering:
    """Asks things of one run's worker and tells what it answered.

    Attributes:
        watch: The run.
        clock: Seconds from a monotonic clock.
    """

    watch: RunWatch
    clock: Callable[[], float] = time.monotonic
    _asked: dict[str, _Asked] = field(default_factory=dict)

    def ask(self, verb: Verb, mode: StopMode | None = None) -> None:
        """Leave a request for the run's worker; `news` will tell of its answer.

        Raises:
            UsageError: No worker is there to answer.
            ResourceError: The request cannot be written.
        """
        state = self.watch.status.state
        if state not in LIVE_STATES:
            raise UsageError(f"Run {self.watch.run.id} is {state}, not live: there is nothing to ask it for.")
        self._asked[request(self.watch.run, verb, mode)] = _Asked(verb, self.clock())

    def pause_or_resume(self) -> None:
        """Ask a paused run to go on, any other live one to pause."""
        self.ask("resume" if self.watch.status.state == "paused" else "pause")

    def news(self, answers: Iterable[RequestEvent]) -> Iterator[News]:
        """Yield what has become known since the last call.

        Args:
            answers: The newest answers in the run's journal.
        """
        for answer in answers:
            asked = self._asked.pop(answer.id, None)
            if asked is not None:
                yield _told(asked.verb, answer)
        yield from self._unanswered(self.watch.status)

    def _unanswered(self, status: Status) -> Iterator[News]:
        if status.state not in LIVE_STATES:
            yield from (
                News(f"{asked.verb}: the run ended before it answered", True)
                for asked in self._asked.values()
            )
            self._asked.clear()
        for asked in self._asked.values():
            if not asked.overdue and self.clock() > asked.since + PATIENCE:
                asked.overdue = True
                yield News(
                    f"{asked.verb}: no answer within {PATIENCE:.0f} s (a long iteration or validation?); "
                    "the request stays and is obeyed after it",
                    problem=True,
                )


def _told(verb: Verb, answer: RequestEvent) -> News:
    if answer.outcome == "refused":
        return News(f"{verb} refused: {answer.reason}", problem=True)
    return News(f"{verb}: {_ACCEPTED[verb]}")
