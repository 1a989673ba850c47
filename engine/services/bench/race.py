"""Contestants side by side: the same inputs, turn by turn. Imports no torch."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import ExitStack, suppress
from typing import IO, TYPE_CHECKING, Literal, Self, TypeVar, cast

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from engine.errors import MamlError
from engine.runs.launch import worker_environment
from engine.text import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType


Order = Literal[1, 2]

OURS = "maml-tui"
PLAIN = "autograd loop"
PEERS = (PLAIN, "higher", "torchopt")
"""Other ways: a plain loop over `torch.autograd`, and libraries that are taken up where they are installed."""


class _Line(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Question(_Line):
    """What to run.

    Attributes:
        config: The options by section, as `engine.config.toml.config_tables` writes them.
        order: Whether the meta-gradient goes through the inner steps (2) or not (1).
        contestant: `OURS` or one of `PEERS`.
        device: The device asked for: `auto`, `cpu`, `cuda`, `cuda:1`.
    """

    config: dict[str, dict[str, object]]
    order: Order
    contestant: str
    device: str = "auto"


class Ready(_Line):
    """A contestant before it starts."""

    problem: str = Field(default="", description="why it cannot run, in words; empty if it can")
    path: str = Field(default="", description="which way it computes")
    device: str = Field(default="", description="what the device calls itself")
    cores: int = Field(default=0, description="threads that PyTorch uses")
    difference: float | None = Field(
        default=None, description="difference from the reference in float64, relative to the gradient's norm"
    )
    gigaflop: float | None = Field(
        default=None, description="arithmetic of a meta-iteration, 10^9 operations"
    )
    peak: float | None = Field(
        default=None, description="speed of a large float32 matrix product here, GFLOP/s"
    )


class Laps(_Line):
    """Meta-iterations just done."""

    seconds: tuple[float, ...] = Field(description="time of each, seconds; on a GPU their mean")
    memory: int = Field(description="most memory taken so far, bytes: on the GPU, or by the process")


MOST_DIFFERENCE = 1e-10
"""A contestant whose meta-gradient differs more than this from the reference, in float64, is wrong."""

_TURNS = 6
_TURN_SECONDS = 0.5
_MOST_LAPS = 1000
_WARM_UP_LAPS = 2

Answer = TypeVar("Answer", Ready, Laps)


class Row(BaseModel):
    """What became of a contestant. A quantity that was not measured is null."""

    model_config = ConfigDict(frozen=True)

    contestant: str = Field(description="maml-tui, or another way")
    order: Order = Field(description="2: the meta-gradient goes through the inner steps; 1: first order")
    path: str = Field(description="which way it computes")
    device: str = Field(description="what the device calls itself")
    cores: int = Field(description="threads that PyTorch uses")
    problem: str = Field(description="why it did not run; empty if it did")
    difference: float | None = Field(description="from the reference in float64, relative to the norm")
    wrong: bool = Field(description="whether that is too much")
    median: float | None = Field(default=None, description="a meta-iteration, Adam included, seconds")
    p10: float | None = Field(default=None, description="a tenth of them take less, seconds")
    p90: float | None = Field(default=None, description="nine tenths of them take less, seconds")
    iterations_per_second: float | None = Field(default=None, description="at the median")
    tasks_per_second: float | None = Field(default=None, description="at the median")
    memory: int | None = Field(default=None, description="most memory taken by the process or GPU, bytes")
    gigaflop: float | None = Field(description="arithmetic of a meta-iteration, 10^9 operations")
    share_of_peak: float | None = Field(
        default=None, description="speed relative to that of a large float32 matrix product here"
    )


def race(questions: Sequence[Question], tasks: int, tell: Callable[[str], None]) -> list[Row]:
    """Let contestants take turns, and return a row for each.

    Args:
        questions: A contestant each.
        tasks: How many tasks a meta-iteration has.
        tell: Is told in words what is going on.
    """
    with ExitStack() as stack:
        contestants = []
        for question in questions:
            tell(f"{question.contestant} gets ready, order {question.order}")
            contestants.append(stack.enter_context(Contestant(question)))
        for turn in range(_TURNS):
            tell(f"turn {turn + 1} of {_TURNS}")
            for contestant in contestants:
                contestant.take_turn()
        return [contestant.row(tasks) for contestant in contestants]


class Contestant:
    """A process that takes meta-iterations when it is told to.

    Args:
        question: What it runs.

    Raises:
        MamlError: It ended without a word that can be understood.
    """

    def __init__(self, question: Question) -> None:
        self.question = question
        self._seconds: list[float] = []
        self._memory = 0
        self._process = subprocess.Popen(
            # -P: a folder called `engine` where the user happens to stand must not be taken for ours.
            [sys.executable, "-P", "-m", "engine.services.bench"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=worker_environment(os.environ),
        )

    def __enter__(self) -> Self:
        """Wait until it is ready and warm."""
        self._ready = self._ask(self.question.model_dump_json(), Ready)
        if not self._ready.problem:
            self._ask(str(_WARM_UP_LAPS), Laps)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the process."""
        self._process.kill()
        self._process.communicate()

    def take_turn(self) -> None:
        """Take meta-iterations for about as long as a turn is; one at first, to see how long it takes."""
        if self._ready.problem:
            return
        usual = float(np.median(self._seconds)) if self._seconds else _TURN_SECONDS
        laps = self._ask(str(min(_MOST_LAPS, max(1, round(_TURN_SECONDS / usual)))), Laps)
        self._seconds += laps.seconds
        self._memory = laps.memory

    def row(self, tasks: int) -> Row:
        """Return what became of it, where a meta-iteration has so many tasks."""
        ready = self._ready
        wrong = ready.difference is not None and not ready.difference <= MOST_DIFFERENCE
        known = ready.model_dump(exclude={"peak"})
        row = Row(contestant=self.question.contestant, order=self.question.order, wrong=wrong, **known)
        if not self._seconds:
            return row
        p10, median, p90 = (float(np.quantile(self._seconds, share)) for share in (0.1, 0.5, 0.9))
        speed = {"median": median, "p10": p10, "p90": p90, "memory": self._memory}
        rates = {"iterations_per_second": 1 / median, "tasks_per_second": tasks / median}
        share = ready.gigaflop / median / ready.peak if ready.gigaflop and ready.peak else None
        return row.model_copy(update={**speed, **rates, "share_of_peak": share})

    def _ask(self, line: str, answer: type[Answer]) -> Answer:
        """Write a line and read the answer; a process that is no more answers nothing."""
        stdin, stdout = (cast("IO[str]", pipe) for pipe in (self._process.stdin, self._process.stdout))
        with suppress(BrokenPipeError):
            stdin.write(line + "\n")
            stdin.flush()
        try:
            return answer.model_validate_json(stdout.readline())
        except ValidationError as error:
            name = printable(self.question.contestant)
            raise MamlError(f"{name} ended in the middle (exit status {self._process.wait()})") from error
