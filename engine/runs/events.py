"""The records of `events.jsonl`: one JSON object a line, distinguished by `kind`; see `READING` for the rules."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar, get_args

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    WithJsonSchema,
    model_validator,
)

from engine.errors import ResourceError
from engine.files import explain_os_errors, read_bounded
from engine.text import printable

if TYPE_CHECKING:
    from pathlib import Path

State = Literal["queued", "warming-up", "running", "paused", "stopping", "done", "failed", "diverged", "lost"]

LIVE_STATES: frozenset[State] = frozenset({"warming-up", "running", "paused", "stopping"})
"""States in which a worker process must exist; without one the run is lost."""

ENDED_STATES: frozenset[State] = frozenset({"done", "failed", "diverged", "lost"})
"""States that nothing but a resume leaves."""


READING = """\
# Events: the records of events.jsonl

One JSON object a line, distinguished by `kind`. Ignore unknown fields; skip lines of an unknown `kind` or `v` (a newer
program wrote them), lines that are not JSON, and a last line without its newline (it is still being written). Within
`v` 1, fields are only ever added. JSON has no NaN or infinity: both are written as `null`.

Records are only ever appended. In journals of versions that limited their length, old records are missing and `seq`
has gaps. A reader that no longer finds the last line it read where it was has another journal before it: start over.
"""
"""What a reader of the file must know, in Markdown."""


def _null_as_nan(value: object) -> object:
    return math.nan if value is None else value


Number = Annotated[
    float, BeforeValidator(_null_as_nan), WithJsonSchema({"anyOf": [{"type": "number"}, {"type": "null"}]})
]
"""A float that may be non-finite; `null` in JSON then."""

Iteration = Annotated[int, Field(ge=0, lt=2**63)]
"""A number of meta-updates; whoever plots it can make a float of it."""


def optional(description: str) -> Any:  # noqa: ANN401 - pydantic's own return type
    """Declare a field that is null where nothing is known of it."""
    return Field(default=None, description=description)


class Record(BaseModel):
    """An immutable JSON object whose unknown fields are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")


_AnyRecord = TypeVar("_AnyRecord", bound=Record)


def read_json(
    path: Path, kind: type[_AnyRecord], max_bytes: int | None = None, advice: str = ""
) -> _AnyRecord | None:
    """Read a JSON file that holds one record; None if there is none. `advice` says what to do where it is damaged.

    Raises:
        ResourceError: It cannot be read or understood.
    """
    with explain_os_errors(f"read {path}"):
        try:
            text = path.read_bytes() if max_bytes is None else read_bounded(path, max_bytes)
        except FileNotFoundError:
            return None
    try:
        return kind.model_validate_json(text)
    except ValidationError as error:
        rest = f": {advice}" if advice else "."
        raise ResourceError(f"{printable(path)} is damaged or from a newer version{rest}") from error


class AtStep(Record):
    """A statistic over tasks after so many inner-loop steps."""

    step: int = Field(description="inner steps taken; 0 is before adaptation")
    mean: Number = Field(description="mean over tasks; null when a task diverged to a non-finite value")
    ci95: Number = Field(description="half-width of the 95 % confidence interval of the mean")
    median: Number = Field(description="median over tasks")
    diverged: int = Field(
        default=0, description="tasks whose loss is not finite, or over ten times the mean before adaptation"
    )


class Protocol(Record):
    """How a measurement was made: everything that must agree before two numbers are compared."""

    split: str = Field(description="train, val or test")
    tasks: int = Field(description="number of tasks measured")
    shots: int = Field(description="support examples per class (regression: per task)")
    queries: int = Field(description="query examples per class (regression: per task)")
    steps: int = Field(ge=0, description="inner steps taken")
    seed: int = Field(description="seed of the task sequence")
    ways: int | None = optional("classes per task; null for regression")
    mode: Literal["transductive", "inductive"] | None = optional(
        "whether queries of a task share normalisation statistics; null without any"
    )
    step_size: float | None = optional(
        "step size of fine-tuning, chosen on validation tasks; null where the configuration states it"
    )
    ensemble: int | None = optional(
        "networks that adapt apart and whose mean prediction is judged; null for one"
    )


class Measurement(Record):
    """What an evaluation found, step by step."""

    metric: Literal["accuracy", "mse"] = Field(description="the quantity runs are judged by")
    protocol: Protocol = Field(description="how it was measured")
    loss: tuple[AtStep, ...] = Field(description="query loss after each inner step, from step 0")
    accuracy: tuple[AtStep, ...] | None = optional(
        "query accuracy, 0 to 1, after each inner step; null for regression"
    )

    @model_validator(mode="after")
    def _every_step_is_there(self) -> Measurement:
        if min(len(self.loss), len(self.series)) <= self.protocol.steps:
            raise ValueError("there is not a value for every step")
        return self

    @property
    def series(self) -> tuple[AtStep, ...]:
        """The metric after each inner step (for `mse` the loss itself)."""
        return self.loss if self.accuracy is None else self.accuracy

    def scored(self, step: int) -> AtStep:
        """Return the metric after `step` inner steps, or after the last one evaluated."""
        return self.series[min(step, self.protocol.steps)]

    def loss_after(self, step: int) -> AtStep:
        """Return the loss after `step` inner steps, or after the last one evaluated."""
        return self.loss[min(step, self.protocol.steps)]


class _Event(Record):
    """What all kinds share."""

    v: Literal[1] = Field(default=1, description="version of this format")
    seq: int = Field(
        default=-1,
        description="number of the record, from 0; ascending, with gaps in journals of old versions",
    )
    time: float = Field(default=0.0, description="when it was written, Unix seconds")


class StartedEvent(_Event):
    """A worker has taken up the run, for the first time or again."""

    kind: Literal["started"] = "started"
    pid: int = Field(description="process id of the worker")
    host: str = Field(description="host name")
    device: str = Field(description="torch device, e.g. cuda:0")
    device_name: str = Field(description="what the device calls itself")
    torch: str = Field(description="version of PyTorch")
    python: str = Field(description="version of Python")
    program: str = Field(description="version of maml-tui")
    iterations: int = Field(description="meta-iterations in total")
    parameters: int = Field(description="number of meta-learned scalars")
    path: str = Field(description="how tasks are computed, e.g. vmap")
    resumed_from: int | None = optional("iteration of the checkpoint taken up")
    fingerprint: dict[str, str] = Field(default_factory=dict, description="hashes of data and class split")


class TrainEvent(_Event):
    """One meta-update, on the tasks of its meta-batch."""

    kind: Literal["train"] = "train"
    iteration: Iteration = Field(description="meta-updates done, this one included")
    loss: Number = Field(description="query loss after adaptation, mean over tasks")
    iterations_per_second: Number = Field(description="recent speed, meta-iterations per second")
    tasks_per_second: Number = Field(description="recent speed, tasks per second")
    accuracy: float | None = optional("query accuracy after adaptation, 0 to 1; null for regression")
    grad_norm: float | None = optional("L2 norm of the meta-gradient, before clipping")
    eta_seconds: float | None = optional("estimated time left, evaluations included, seconds")
    skipped: int = Field(default=0, description="meta-updates left out so far because they were not finite")


class EvaluationEvent(_Event):
    """A measurement, during training or at its end."""

    kind: Literal["evaluation"] = "evaluation"
    iteration: Iteration = Field(description="meta-updates behind the parameters measured")
    split: str = Field(description="train, val or test")
    checkpoint: Literal["current", "best", "last"] = Field(description="whose parameters were measured")
    seconds: float = Field(description="time the evaluation took, seconds")
    measurement: Measurement = Field(description="the numbers and their protocol")
    improved: bool | None = optional("whether it is the best so far; null if no contest")
    best: float | None = optional("best value of the metric so far")
    best_iteration: int | None = optional("iteration of the best value")
    patience_left: int | None = optional(
        "evaluations without gain until training ends; null without early stopping"
    )


class CheckpointEvent(_Event):
    """A checkpoint is on disk."""

    kind: Literal["checkpoint"] = "checkpoint"
    iteration: Iteration = Field(description="meta-updates behind it")
    file: str = Field(description="file name in checkpoints/")
    bytes: int = Field(description="size, bytes")
    seconds: float = Field(description="time it took to write, seconds")
    reason: Literal["periodic", "best", "requested", "final"] = Field(description="why it was written")


class StateEvent(_Event):
    """The run entered a state."""

    kind: Literal["state"] = "state"
    state: State = Field(description="the state entered")
    reason: str = Field(default="", description="why, in words")


class RequestEvent(_Event):
    """The worker's answer to a control request."""

    kind: Literal["request"] = "request"
    verb: str = Field(description="what was asked for; empty if the request could not be read")
    id: str = Field(description="id of the request")
    outcome: Literal["accepted", "refused"] = Field(description="the answer")
    reason: str = Field(default="", description="why, in words")


class WarningEvent(_Event):
    """Something a person should know."""

    kind: Literal["warning"] = "warning"
    message: str = Field(description="the warning, one sentence")


class FinishedEvent(_Event):
    """The worker's last record."""

    kind: Literal["finished"] = "finished"
    state: State = Field(description="the final state")
    iteration: Iteration = Field(description="meta-updates done")
    seconds: float = Field(description="time since the worker started, seconds")
    reason: str = Field(default="", description="why it ended, in words")


Event = (
    StartedEvent
    | TrainEvent
    | EvaluationEvent
    | CheckpointEvent
    | StateEvent
    | RequestEvent
    | WarningEvent
    | FinishedEvent
)

_EVENT: TypeAdapter[Event] = TypeAdapter(Annotated[Event, Field(discriminator="kind")])
_KINDS: tuple[type[_Event], ...] = get_args(Event)
_PARTS = (Measurement, Protocol, AtStep)


def parse_event(line: bytes) -> Event | None:
    """Read one line of `events.jsonl`; None if it is damaged or from a newer program."""
    try:
        return _EVENT.validate_json(line)
    except ValidationError:
        return None


def describe_events() -> str:
    """Return in Markdown how to read the file, then every kind of record and its objects, field by field."""
    shared = _table("every record", _Event)
    kinds = [_table(f"`{kind.model_fields['kind'].default}`", kind, skip=_Event) for kind in _KINDS]
    parts = [_table(f"object {part.__name__}", part) for part in _PARTS]
    return "\n".join([READING, shared, *kinds, *parts])


def _table(title: str, model: type[Record], skip: type[Record] = Record) -> str:
    properties = model.model_json_schema()["properties"]
    rows = [
        f"| `{name}` | {_json_type(schema)} | {schema['description']} |"
        for name, schema in properties.items()
        if name not in skip.model_fields and name != "kind"
    ]
    summary = (model.__doc__ or "").splitlines()[0]
    return "\n".join([f"### {title}", "", summary, "", "| field | type | meaning |", "|--|--|--|", *rows, ""])


def _json_type(schema: dict[str, Any]) -> str:
    """Name the type a JSON schema stands for, in the words of JSON."""
    if "anyOf" in schema:
        return " or ".join(_json_type(option) for option in schema["anyOf"])
    if "enum" in schema:
        return " or ".join(f'"{value}"' for value in schema["enum"])
    if "$ref" in schema:
        return str(schema["$ref"].rpartition("/")[2])
    if schema.get("type") == "array":
        return f"array of {_json_type(schema['items'])}"
    return str(schema.get("const", schema.get("type")))
