"""What the services are asked that look at configurations, runs and data, and what they answer. Loads no torch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from engine.config.schema import MAX_KEPT
from engine.runs.events import Record, optional
from engine.runs.result import Measured, Scores
from engine.services.service import Message, Service, explain_invalid

if TYPE_CHECKING:
    from collections.abc import Mapping


class EstimateRequest(Message):
    """Which run to estimate.

    Attributes:
        config: The options by section, as `engine.config.toml.config_tables` writes them.
    """

    config: dict[str, dict[str, object]]
    device: str = "auto"


class Costs(Message):
    """What a run takes, as far as some seconds of it tell."""

    device: str = Field(description="torch device, e.g. cuda:0")
    device_name: str = Field(description="what the device calls itself")
    iterations_per_second: float = Field(description="median speed, meta-iterations per second")
    iterations_per_second_p90: float = Field(description="speed that 90 % of the iterations reach")
    memory_peak: int = Field(description="most memory taken, bytes: on the GPU, or by the process on the CPU")
    memory_total: int = Field(description="memory of the GPU, or of the machine, bytes")
    seconds: float = Field(description="the whole run, validations and final test included, seconds")
    parameters: int = Field(description="number of meta-learned scalars")
    checkpoint_bytes: int = Field(description="size of a checkpoint, bytes")


ESTIMATE: Service[EstimateRequest, Costs] = Service("estimate", "the estimate", EstimateRequest, Costs)


class PreflightRequest(Message):
    """What to try: a task class, or a whole configuration.

    Attributes:
        task_class: The class whose kind is asked for; None for a configuration.
        config: The text of a run's `config.toml`.
    """

    search_path: tuple[str, ...]
    task_class: str | None = None
    config: str = ""


class PreflightReport(Message):
    """That it can work, and what a configuration calls the kind of tasks."""

    data: str


PREFLIGHT: Service[PreflightRequest, PreflightReport] = Service(
    "preflight",
    "the check of your own code",
    PreflightRequest,
    PreflightReport,
    timeout=600.0,
    hint="look for a loop in it that does not end",
)


class Overrides(Message):
    """What to evaluate differently than the run's configuration says; None for no difference.

    Where `scored` names an inner step, every task's value of the metric after it is reported too. Where `ensemble`
    is a number, so many of the best checkpoints are evaluated together, and no other.
    """

    data: str | None = None
    checkpoint: tuple[Literal["best", "latest"], ...] = ("best", "latest")
    device: str | None = None
    split: Literal["val", "test"] = "test"
    tasks: int | None = Field(default=None, ge=2, le=10_000_000)
    steps: int | None = Field(default=None, ge=0, le=1000)
    shots: int | None = Field(default=None, ge=1, le=1000)
    queries: int | None = Field(default=None, ge=1, le=1000)
    seed: int | None = Field(default=None, ge=0, lt=2**31)
    mode: Literal["transductive", "inductive"] | None = None
    scored: int | None = Field(default=None, ge=0, le=1000)
    ensemble: int | None = Field(default=None, ge=1, le=MAX_KEPT)

    @classmethod
    def of(cls, values: Mapping[str, object]) -> Overrides:
        """Return what was chosen, by the names above; None stands for what was not.

        Raises:
            UsageError: A value is out of range.
        """
        with explain_invalid():
            return cls.model_validate({name: value for name, value in values.items() if value is not None})


class EvaluateRequest(Message):
    """Which run to evaluate, and by what protocol."""

    run: str
    overrides: Overrides = Overrides()


class EvaluationReport(Record):
    """A run's checkpoints, evaluated by some protocol."""

    run: str = Field(description="id of the run")
    measurements: tuple[Measured, ...] = Field(description="one per checkpoint asked for")
    fingerprint: dict[str, str] = Field(description="hashes of data and class split")
    data: str | None = optional("data set measured on; null for the run's own")
    scores: Scores | None = optional("task by task; null if not asked for")


EVALUATE: Service[EvaluateRequest, EvaluationReport] = Service(
    "evaluate", "the evaluation", EvaluateRequest, EvaluationReport
)


class DownloadRequest(Message):
    """Where to download Omniglot from.

    Attributes:
        url: Where a mirror keeps the files; the publisher's address if None.
    """

    url: str | None = None


class DownloadReport(Message):
    """That it was downloaded and stored."""

    warnings: tuple[str, ...]


DOWNLOAD: Service[DownloadRequest, DownloadReport] = Service(
    "download", "the download", DownloadRequest, DownloadReport, shows_progress=True
)


Order = Literal[1, 2]

OURS = "maml-tui"
PEERS = ("autograd loop", "higher", "torchopt")
"""Other ways: a plain loop over `torch.autograd`, and libraries that are taken up where they are installed."""


class BenchSetup(Message):
    """What a contestant of a benchmark runs; the first question.

    Attributes:
        order: Whether the meta-gradient goes through the inner steps (2) or not (1).
        contestant: `OURS` or one of `PEERS`.
    """

    config: dict[str, dict[str, object]]
    order: Order
    contestant: str
    device: str = "auto"


class BenchTurn(Message):
    """How many meta-iterations to take now; every further question."""

    iterations: int = Field(ge=1)


class Ready(Message):
    """A contestant before it starts."""

    path: str = Field(description="which way it computes")
    device: str = Field(description="what the device calls itself")
    cores: int = Field(description="threads that PyTorch uses")
    difference: float = Field(
        description="difference from the reference in float64, relative to the gradient's norm"
    )
    gigaflop: float = Field(description="arithmetic of a meta-iteration, 10^9 operations")
    peak: float = Field(description="speed of a large float32 matrix product here, GFLOP/s")


class Laps(Message):
    """Meta-iterations just done."""

    seconds: tuple[float, ...] = Field(description="time of each, seconds; on a GPU their mean")
    memory: int = Field(description="most memory taken so far, bytes: on the GPU, or by the process")


BENCH: Service[BenchSetup | BenchTurn, Ready | Laps] = Service(
    "bench.contestant", "the benchmark", BenchSetup | BenchTurn, Ready | Laps
)
