"""`result.json`: what was measured at the end of a run, with its protocol."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from engine.files import write_atomic
from engine.runs.events import Measurement, Number, Record, State, read_json

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray


CheckpointName = Literal["best", "last", "ensemble"]
"""Whose parameters were measured: chosen on validation, the last ones, or several of the best together."""


class Scores(Record):
    """The contents of `scores.json`. Runs of old versions have none."""

    v: Literal[1] = Field(default=1, description="version of this format")
    step: int = Field(description="inner steps after which the tasks are scored")
    tasks: dict[CheckpointName, tuple[Number, ...]] = Field(
        description="by measured checkpoint, the value of the metric for tasks 0, 1, ...; null if not finite"
    )

    @classmethod
    def of(cls, step: int, tasks: Mapping[CheckpointName, NDArray[np.float32]]) -> Scores:
        """Return the record of scores `[tasks]`, each number written no longer than its four bytes need."""
        shortest = {name: tuple(float(str(score)) for score in scores) for name, scores in tasks.items()}
        return cls(step=step, tasks=shortest)


def write_scores(path: Path, scores: Scores) -> None:
    """Write `scores.json` whole.

    Raises:
        ResourceError: It cannot be written.
    """
    write_atomic(path, scores.model_dump_json() + "\n")


def read_scores(path: Path) -> Scores | None:
    """Read `scores.json`; None if there is none.

    Raises:
        ResourceError: It cannot be read or understood.
    """
    return read_json(path, Scores)


class Measured(Record):
    """A measurement and whose parameters it is of."""

    checkpoint: CheckpointName = Field(
        description="chosen on validation, the last parameters, or the best together"
    )
    iteration: int = Field(description="meta-updates behind the parameters; of an ensemble, behind its best")
    measurement: Measurement = Field(description="the numbers and their protocol")
    members: tuple[int, ...] = Field(
        default=(), description="meta-updates behind each network of an ensemble, best first; else empty"
    )


class Result(Record):
    """The contents of `result.json`."""

    v: Literal[1] = Field(default=1, description="version of this format")
    run: str = Field(description="id of the run")
    name: str = Field(description="name of the run")
    state: State = Field(description="how the run ended")
    iterations: int = Field(description="meta-updates done")
    seconds: float = Field(description="time spent by all its workers, seconds")
    parameters_sha256: str = Field(description="hash of the last parameters, equal exactly if every bit is")
    measurements: tuple[Measured, ...] = Field(description="best and last parameters on the test tasks")
    fingerprint: dict[str, str] = Field(default_factory=dict, description="hashes of data and class split")


def write_result(path: Path, result: Result) -> None:
    """Write `result.json` whole.

    Raises:
        ResourceError: It cannot be written.
    """
    write_atomic(path, result.model_dump_json(indent=1) + "\n")


def read_result(path: Path) -> Result | None:
    """Read `result.json`; None if there is none.

    Raises:
        ResourceError: It cannot be read or understood.
    """
    return read_json(path, Result)
