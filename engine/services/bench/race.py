"""Contestants side by side: the same inputs, turn by turn. Imports no torch."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, cast

import numpy as np
from pydantic import Field

from engine.errors import MamlError
from engine.runs.events import Record, optional
from engine.services.client import NoAnswerError, conversation
from engine.services.messages import BENCH, BenchSetup, BenchTurn, Laps, Order, Ready

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


MAX_DIFFERENCE = 1e-10
"""A contestant whose meta-gradient differs more than this from the reference, in float64, is wrong."""

_TURNS = 6
_TURN_SECONDS = 0.5
_MAX_LAPS = 1000
_WARM_UP_LAPS = 2


class Row(Record):
    """What became of a contestant. A quantity that was not measured is null."""

    contestant: str = Field(description="maml-tui, or another way")
    order: Order = Field(description="2: the meta-gradient goes through the inner steps; 1: first order")
    path: str = Field(default="", description="which way it computes")
    device: str = Field(default="", description="what the device calls itself")
    cores: int = Field(default=0, description="threads that PyTorch uses")
    problem: str = Field(default="", description="why it did not run; empty if it did")
    difference: float | None = optional("from the reference in float64, relative to the norm")
    wrong: bool = Field(default=False, description="whether that is too much")
    median: float | None = optional("a meta-iteration, Adam included, seconds")
    p10: float | None = optional("a tenth of them take less, seconds")
    p90: float | None = optional("nine tenths of them take less, seconds")
    iterations_per_second: float | None = optional("at the median")
    tasks_per_second: float | None = optional("at the median")
    memory: int | None = optional("most memory taken by the process or GPU, bytes")
    gigaflop: float | None = optional("arithmetic of a meta-iteration, 10^9 operations")
    share_of_peak: float | None = optional("speed relative to that of a large float32 matrix product here")


def race(setups: Sequence[BenchSetup], tasks: int, tell: Callable[[str], None]) -> list[Row]:
    """Let contestants take turns, and return a row for each.

    Raises:
        MamlError: A contestant's process died, or could not go on.
    """
    with ExitStack() as stack:
        entries = []
        for setup in setups:
            tell(f"{setup.contestant} gets ready, order {setup.order}")
            entries.append(Entry(setup, stack.enter_context(conversation(BENCH))))
        for turn in range(_TURNS):
            tell(f"turn {turn + 1} of {_TURNS}")
            for entry in entries:
                entry.take_turn()
        return [entry.row(tasks) for entry in entries]


class Entry:
    """A contestant, ready and warm unless something keeps it from running."""

    def __init__(self, setup: BenchSetup, talk: Callable[[BenchSetup | BenchTurn], Ready | Laps]) -> None:
        self._setup, self._talk = setup, talk
        self._ready: Ready | None = None
        self._problem = ""
        self._seconds: list[float] = []
        self._memory = 0
        try:
            self._ready = cast("Ready", talk(setup))
            self._run(_WARM_UP_LAPS)
        except NoAnswerError:
            raise
        except MamlError as error:
            self._problem = str(error)

    def take_turn(self) -> None:
        """Take meta-iterations for about as long as a turn is; one at first, to see how long it takes."""
        if self._problem:
            return
        usual = float(np.median(self._seconds)) if self._seconds else _TURN_SECONDS
        laps = self._run(min(_MAX_LAPS, max(1, round(_TURN_SECONDS / usual))))
        self._seconds += laps.seconds
        self._memory = laps.memory

    def row(self, tasks: int) -> Row:
        """Return what became of it, where a meta-iteration has so many tasks."""
        row = Row(contestant=self._setup.contestant, order=self._setup.order, problem=self._problem)
        ready = self._ready
        if ready is None or not self._seconds:
            return row
        p10, median, p90 = (float(np.quantile(self._seconds, share)) for share in (0.1, 0.5, 0.9))
        speed = {"median": median, "p10": p10, "p90": p90, "memory": self._memory}
        rates = {"iterations_per_second": 1 / median, "tasks_per_second": tasks / median}
        wrong = not ready.difference <= MAX_DIFFERENCE
        known = ready.model_dump(exclude={"peak"})
        share = ready.gigaflop / median / ready.peak
        return row.model_copy(update={**known, **speed, **rates, "wrong": wrong, "share_of_peak": share})

    def _run(self, iterations: int) -> Laps:
        return cast("Laps", self._talk(BenchTurn(iterations=iterations)))
