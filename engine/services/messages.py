"""What `python -m engine.services.evaluate` writes to stdout."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from engine.runs.events import Record
from engine.runs.result import Measured, Scores


class Question(BaseModel):
    """What to measure.

    Attributes:
        config: The options by section, as `engine.config.toml.config_tables` writes them.
        device: The device asked for: `auto`, `cpu`, `cuda`, `cuda:1`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    config: dict[str, dict[str, object]]
    device: str = "auto"


class Costs(BaseModel):
    """What a run takes, as far as some seconds of it tell."""

    model_config = ConfigDict(frozen=True)

    device: str = Field(description="torch device, e.g. cuda:0")
    device_name: str = Field(description="what the device calls itself")
    iterations_per_second: float = Field(description="median speed, meta-iterations per second")
    iterations_per_second_p90: float = Field(description="speed that 90 % of the iterations reach")
    memory_peak: int = Field(description="most memory taken, bytes: on the GPU, or by the process on the CPU")
    memory_total: int = Field(description="memory of the GPU, or of the machine, bytes")
    seconds: float = Field(description="the whole run, validations and final test included, seconds")
    parameters: int = Field(description="number of meta-learned scalars")
    checkpoint_bytes: int = Field(description="size of a checkpoint, bytes")


class Check(BaseModel):
    """What to look at: a task class, or a whole configuration.

    Attributes:
        search_path: Folders in which classes are looked for.
        task_class: The class whose kind is asked for; None for a configuration.
        config: The text of a run's `config.toml`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    search_path: tuple[str, ...]
    task_class: str | None = None
    config: str = ""


class Finding(BaseModel):
    """That it can work.

    Attributes:
        data: What a configuration calls the kind of tasks.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    data: str


class Report(Record):
    """A run's checkpoints, measured by some protocol."""

    run: str = Field(description="id of the run")
    measurements: tuple[Measured, ...] = Field(description="one per checkpoint asked for")
    fingerprint: dict[str, str] = Field(description="hashes of data and class split")
    data: str | None = Field(default=None, description="data set measured on; null for the run's own")
    scores: Scores | None = Field(default=None, description="task by task; null if not asked for")
