"""What the service is asked that adapts to a run's tasks, and what it answers. Loads no torch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from engine.runs.checkpoints import Label
from engine.services.service import Message, Service

if TYPE_CHECKING:
    from engine.config.schema import RunConfig

MAX_STEPS = 100
"""Inner steps that may be asked for."""


class ExploreRequest(Message):
    """Which task to adapt to, from which parameters.

    Attributes:
        task: Its number among the evaluation's tasks of that split.
        shots: Support examples K (of each class).
        queries: Query examples (of each class).
        amplitude: A of the curve instead of the task's own.
        phase: phi of the curve instead of the task's own, radians.
    """

    run: str
    checkpoint: Label
    split: Literal["val", "test"]
    task: int = Field(ge=0, lt=2**31)
    steps: int = Field(ge=0, le=MAX_STEPS)
    shots: int = Field(ge=1, le=1000)
    queries: int = Field(ge=1, le=1000)
    amplitude: float | None = Field(default=None, allow_inf_nan=False)
    phase: float | None = Field(default=None, allow_inf_nan=False)


class _Adapted(Message):
    """What both kinds of answer tell.

    Attributes:
        loss: Query loss after 0, 1, ... inner steps, mean over the queries: squared error or cross-entropy.
    """

    iteration: int
    loss: tuple[float, ...]


class CurveAnswer(_Adapted):
    """Adaptation to a curve y = A sin(x - phi).

    Attributes:
        support_y: Their values `[shots]`.
        x: Positions over the whole range, ascending `[n]`.
        truth: The curve at these positions `[n]`.
        predictions: The network's curve after each inner step `[steps + 1][n]`.
    """

    kind: Literal["curve"] = "curve"
    amplitude: float
    phase: float
    support_x: tuple[float, ...]
    support_y: tuple[float, ...]
    x: tuple[float, ...]
    truth: tuple[float, ...]
    predictions: tuple[tuple[float, ...], ...]


class Pictures(Message):
    """Pictures of the task's classes.

    Attributes:
        shape: (pictures, channels, height, width).
        pixels: uint8 values in C order.
        classes: Which of the task's classes each shows `[pictures]`.
    """

    shape: tuple[int, int, int, int]
    pixels: bytes
    classes: tuple[int, ...]


class PicturesAnswer(_Adapted):
    """Adaptation to the classes of a task.

    Attributes:
        class_names: What the data set calls them `[ways]`; may hold any characters.
        probabilities: Of each class, for each query, after each inner step `[steps + 1][queries][ways]`.
        accuracy: Share of the queries classified correctly after each inner step `[steps + 1]`.
    """

    kind: Literal["pictures"] = "pictures"
    class_names: tuple[str, ...]
    support: Pictures
    queries: Pictures
    probabilities: tuple[tuple[tuple[float, ...], ...], ...]
    accuracy: tuple[float, ...]


Exploration = Annotated[CurveAnswer | PicturesAnswer, Field(discriminator="kind")]
EXPLORE: Service[ExploreRequest, CurveAnswer | PicturesAnswer] = Service(
    "explore", "the adaptation", ExploreRequest, Exploration
)


def no_checkpoint_yet(config: RunConfig, label: Label) -> str:
    """Say that a run has no such checkpoint, and when its worker writes the first."""
    training = config.training
    if label == "best":
        if not training.eval_every:
            return "this run is not validated, so it has no best checkpoint: choose the latest one"
        return f"there is no best checkpoint yet: the first validation comes after iteration {training.eval_every:,}"
    # A validation is the best so far the first time, and is saved.
    first = min(filter(None, (training.checkpoint_every, training.eval_every, training.iterations)))
    return f"there is no checkpoint yet: the first comes after iteration {first:,}, or when one is asked for"
