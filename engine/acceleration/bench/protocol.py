"""What is asked of a contestant, and what it answers: one JSON object a line. Imports no torch.

A contestant is a process of its own, so that its memory is its own: `python -m engine.acceleration.bench`. It reads a
`Question` and answers `Ready`; then it reads numbers of meta-iterations and answers each with `Laps`, until the end.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

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
