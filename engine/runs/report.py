"""What `python -m engine.evaluation` writes to stdout."""

from __future__ import annotations

from pydantic import Field

from engine.runs.events import Record
from engine.runs.result import Measured
from engine.runs.scores import Scores


class Report(Record):
    """A run's checkpoints, measured by some protocol."""

    run: str = Field(description="id of the run")
    measurements: tuple[Measured, ...] = Field(description="one per checkpoint asked for")
    fingerprint: dict[str, str] = Field(description="hashes of data and class split")
    data: str | None = Field(default=None, description="data set measured on; null for the run's own")
    scores: Scores | None = Field(default=None, description="task by task; null if not asked for")
