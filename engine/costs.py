"""What is asked of `engine.estimate`, and what it answers. Imports no torch."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


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
