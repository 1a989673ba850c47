"""What the service is asked that applies a model to examples from outside, and what it answers. Loads no torch."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from engine.runs.checkpoints import Label
from engine.runs.result import Measured
from engine.services.service import Message, Service

MAX_STEPS = 1000
"""Inner steps that may be asked for."""


class Origin(Message):
    """Where the parameters to adapt from are: a run's folder or an exported file.

    Attributes:
        checkpoint: Which of the run's; None for the best, or the latest of a run that is not validated.
    """

    run: str | None = None
    file: str | None = None
    checkpoint: Label | None = None


class AdaptRequest(Message):
    """Adapt to a few examples and predict others.

    Attributes:
        support: A folder of class folders; for regression a CSV file of points.
        queries: Pictures and folders of them; for regression CSV files. May be empty.
        steps: Inner steps; None for as many as the model was scored at.
        mode: Whether queries share batch statistics; None for the configuration's choice.
    """

    job: Literal["adapt"] = "adapt"
    origin: Origin
    support: str
    queries: tuple[str, ...] = ()
    steps: int | None = Field(default=None, ge=0, le=MAX_STEPS)
    mode: Literal["transductive", "inductive"] | None = None
    save: str | None = None
    force: bool = False


class ExportRequest(Message):
    """Write a run's parameters to a file of their own."""

    job: Literal["export"] = "export"
    origin: Origin
    file: str
    force: bool = False
    with_paths: bool = False


ApplyRequest = Annotated[AdaptRequest | ExportRequest, Field(discriminator="job")]


class Facts(Message):
    """What is known of parameters.

    Attributes:
        sha256: Hash of the parameters; see `engine.training.checkpoint.parameters_hash`.
        config: The configuration, as TOML.
        measurements: What was measured of them on test tasks; empty where the run has not come to that.
        place: Host, folder and command; empty unless they were to be told.
    """

    name: str
    checkpoint: Label
    iteration: int
    parameters: int
    sha256: str
    config: str
    preset: dict[str, str] = Field(default_factory=dict)
    fingerprint: dict[str, str] = Field(default_factory=dict)
    versions: dict[str, str] = Field(default_factory=dict)
    measurements: tuple[Measured, ...] = ()
    place: dict[str, str] = Field(default_factory=dict)


class _Adapted(Message):
    """What both kinds of adaptation tell.

    Attributes:
        examples: Support examples (of each class).
        support_loss: Mean loss of a support example after 0, 1, ... steps.
    """

    name: str
    iteration: int
    steps: int
    examples: tuple[int, ...]
    support_loss: tuple[float, ...]


class Guess(Message):
    """A picture and what it is taken for.

    Attributes:
        probabilities: Of each class `[ways]`.
        actual: The class whose folder it lies in, as an index; None where not all queries lie in such folders.
    """

    file: str
    probabilities: tuple[float, ...]
    actual: int | None = None


class Classified(_Adapted):
    """Adaptation to classes.

    Attributes:
        class_names: In the order of the probabilities; may hold any characters.
    """

    kind: Literal["classes"] = "classes"
    class_names: tuple[str, ...]
    mode: Literal["transductive", "inductive"]
    guesses: tuple[Guess, ...]


class Value(Message):
    """A point and the value predicted there."""

    x: tuple[float, ...]
    y: float
    actual: float | None = None


class Fitted(_Adapted):
    """Adaptation to points."""

    kind: Literal["values"] = "values"
    values: tuple[Value, ...]


class Exported(Message):
    """A file was written, and this is what it says of itself."""

    kind: Literal["exported"] = "exported"
    facts: Facts


ApplyReport = Annotated[Classified | Fitted | Exported, Field(discriminator="kind")]
APPLY: Service[ApplyRequest, ApplyReport] = Service("apply", "the adaptation", ApplyRequest, ApplyReport)
