"""The one source of every hyperparameter: names, defaults, bounds, units, labels and help.

Command-line keys, TOML keys, forms and documentation are all read from these classes. Option names are unique
over all sections, so `-s inner_lr=0.1` needs no section. The paper's symbols: K = `shots`, N = `ways`,
alpha = `inner_lr`, beta = `meta_lr`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, model_validator

from engine.catalogue.algorithms import ALGORITHMS
from engine.catalogue.data_sets import DATA_SETS, data_set
from engine.catalogue.networks import NETWORKS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from engine.catalogue.entries import Algorithm, DataSet

    AlgorithmName: TypeAlias = str
    NetworkName: TypeAlias = str
    SplitName: TypeAlias = str
else:  # the catalogue is what there is to choose from
    AlgorithmName = Literal[tuple(ALGORITHMS)]
    NetworkName = Literal[tuple(NETWORKS)]
    SplitName = Literal[tuple(split for entry in DATA_SETS.values() for split in entry.splits)]

MAX_KEPT = 10
"""The most checkpoints that a run keeps as its best."""

Interval = tuple[float, float]
REFERENCE = r"^([A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*)?$"
"""A user's own class: `package.module:Class`, or nothing."""

DATA_NAME = r"^[a-z0-9][a-z0-9._-]{0,63}$"
"""What a data set may be called."""

PATTERNS = {
    REFERENCE: "write package.module:Class",
    DATA_NAME: "use 1 to 64 of a-z, 0-9, '.', '_' and '-', starting with a letter or a digit",
}
"""What to do so that a text has the form that an option asks for."""

PositiveInt = Annotated[int, Field(ge=1, le=4096)]


def _listed(entries: Iterable[DataSet]) -> str:
    return ", ".join(f"{entry.name} ({entry.help})" if entry.help else entry.name for entry in entries)


_CUSTOM = [entry for entry in DATA_SETS.values() if entry.origin == "custom"]
_READY = [entry for entry in DATA_SETS.values() if entry.origin != "custom"]


def option(
    default: object,
    *,
    help: str,  # noqa: A002 - the word that forms and command lines use
    label: str | None = None,
    unit: str = "",
    **bounds: Any,  # noqa: ANN401 - handed to pydantic, which checks them
) -> Any:  # noqa: ANN401 - pydantic's own return type
    """Declare one option.

    Args:
        label: A few words for forms and tables; None for the option's name in words.
        unit: The unit of the value; empty for pure numbers and names.
        **bounds: `gt`, `ge`, `lt`, `le`, `pattern`, ... as pydantic knows them.
    """
    return Field(default, title=label, description=help, json_schema_extra={"unit": unit}, **bounds)


class Section(BaseModel):
    """A group of options: frozen, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class TaskConfig(Section):
    """The task distribution p(T)."""

    data: str = option(
        "sinusoid",
        help=f"Where tasks come from: {_listed(_READY)}, or pictures of your own by the "
        f"name they were imported under; {_listed(_CUSTOM)} for a class of your own.",
        pattern=DATA_NAME,
    )
    task_class: str = option(
        "",
        help="Your own class that makes tasks, package.module:Class; see engine/tasks/custom.py.",
        pattern=REFERENCE,
    )
    amplitude: Interval = option(
        (0.1, 5.0), label="amplitude A", help="Range of the amplitude in y = A sin(x - phase)."
    )
    phase: Interval = option((0.0, math.pi), help="Range of the phase in y = A sin(x - phase).", unit="rad")
    x_range: Interval = option((-5.0, 5.0), help="Range the points of a task are drawn from.")
    class_split: SplitName = option(
        "1100-100-423",
        help="Which classes are for training, validation and test. Omniglot: 1100-100-423 shuffles all characters "
        "once; alphabets keeps its own background and evaluation alphabets apart. MiniImagenet: 64-16-20 is Ravi and "
        "Larochelle's; 64-12-24 has the sizes in the paper's text.",
    )
    classes: int = option(400, help="How many characters to make up.", ge=10, le=20_000)
    ways: int = option(5, label="ways N", help="Classes in a task.", unit="classes", ge=2, le=1000)
    shots: int = option(
        10,
        label="shots K",
        help="Support examples: per class, or the points of a regression task.",
        unit="examples",
        ge=1,
        le=1000,
    )
    queries: int = option(
        10,
        help="Query examples in meta-training: per class, or the points of a regression task.",
        unit="examples",
        ge=1,
        le=1000,
    )
    rotations: bool = option(
        False,
        label="rotate classes",
        help="Turn every class of a task by a random multiple of 90 degrees.",
    )

    @model_validator(mode="before")
    @classmethod
    def _first_split_of_the_data(cls, values: Any) -> Any:  # noqa: ANN401 - whatever was given
        if isinstance(values, dict) and (splits := data_set(str(values.get("data"))).splits):
            return {"class_split": splits[0], **values}
        return values


class ModelConfig(Section):
    """The network f_theta."""

    network: NetworkName = option(
        "mlp",
        help="; ".join(f"{entry.name} {entry.help}" for entry in NETWORKS.values()) + ".",
    )
    model_class: str = option(
        "",
        label="network class",
        help="Your own nn.Module, package.module:Class. Of input_shape and outputs it is given what it asks for.",
        pattern=REFERENCE,
    )
    hidden: tuple[PositiveInt, ...] = option(
        (40, 40),
        label="hidden layers",
        help="Width of every hidden layer.",
        unit="units",
        max_length=16,
    )
    filters: int = option(64, help="Filters of each of the four convolutions.", unit="filters", ge=1, le=1024)


class AlgorithmConfig(Section):
    """How theta learns."""

    algorithm: AlgorithmName = option(
        "maml",
        help="; ".join(f"{entry.name} {entry.help}" for entry in ALGORITHMS.values()) + ".",
    )
    inner_lr: float = option(0.01, help="Step size alpha of the inner loop.", gt=0, le=100)
    inner_steps: int = option(
        1,
        help="Gradient steps of adaptation in meta-training.",
        unit="steps",
        ge=1,
        le=1000,
    )
    loss_reduction: Literal["mean", "paper"] = option(
        "mean",
        help="Scale of a task's loss: the mean over its examples, or (paper) their sum divided by the shots K, "
        "as in the authors' code, which makes the inner step of an N-way task N times larger.",
    )


class TrainingConfig(Section):
    """The outer loop."""

    iterations: int = option(1000, help="Meta-updates.", unit="iterations", ge=1, le=1_000_000_000)
    meta_batch_size: int = option(
        25, label="meta-batch", help="Tasks in each meta-update.", unit="tasks", ge=1, le=100_000
    )
    meta_lr: float = option(0.001, help="Step size beta of Adam.", gt=0, le=100)
    grad_clip: float = option(
        0.0,
        label="gradient clip",
        help="Clip every meta-gradient element to +-this; 0 for no clipping.",
        ge=0,
    )
    seed: int = option(0, help="Seed of the initialisation and of the training tasks.", ge=0, lt=2**31)
    eval_every: int = option(
        1000,
        label="validate every",
        help="Iterations between validations; 0 for none.",
        unit="iterations",
        ge=0,
    )
    checkpoint_every: int = option(
        1000,
        help="Iterations between checkpoints; 0 for only at the end or on request.",
        unit="iterations",
        ge=0,
    )
    patience: int = option(
        0,
        help="Stop after this many validations without improvement; 0 for never.",
        unit="validations",
        ge=0,
    )
    keep_best: int = option(
        1,
        label="best kept",
        help="How many of the best checkpoints on validation are kept; several can be measured together, as an "
        "ensemble (maml eval --ensemble).",
        unit="checkpoints",
        ge=1,
        le=MAX_KEPT,
    )
    task_chunk: int = option(
        0,
        label="tasks at a time",
        help="The most tasks of a meta-batch to adapt at a time: fewer take less memory; 0 for what is fast. "
        "The result differs by rounding only.",
        unit="tasks",
        ge=0,
        le=100_000,
    )
    checkpoint_inner: Literal["auto", "on", "off"] = option(
        "auto",
        label="recompute inner steps",
        help="on computes what the inner steps leave behind a second time, for less memory; off keeps it; auto "
        "keeps it for up to 5 steps. The result differs by rounding only.",
    )
    tf32: bool = option(
        False,
        label="TF32",
        help="Let an NVIDIA GPU (Ampere or newer) round what it multiplies in matrix products and convolutions to 10 "
        "bits of mantissa, for speed. Without effect on a CPU.",
    )


class EvaluationConfig(Section):
    """How results are measured."""

    eval_steps: int = option(
        10,
        label="steps at test",
        help="Inner steps after which a task is scored; the best checkpoint is chosen at this step.",
        unit="steps",
        ge=0,
        le=1000,
    )
    curve_steps: int = option(
        10,
        label="steps shown",
        help="The final evaluation goes on to this step, to show the whole adaptation curve.",
        unit="steps",
        ge=0,
        le=1000,
    )
    eval_queries: int = option(
        10,
        label="queries at test",
        help="Query examples in evaluation: per class, or the points of a regression task.",
        unit="examples",
        ge=1,
        le=1000,
    )
    val_tasks: int = option(
        600, label="validation tasks", help="Tasks of each validation.", unit="tasks", ge=2, le=1_000_000
    )
    eval_tasks: int = option(
        600, label="test tasks", help="Tasks of the final evaluation.", unit="tasks", ge=2, le=1_000_000
    )
    eval_mode: Literal["transductive", "inductive"] = option(
        "transductive",
        label="batch statistics",
        help="transductive: all queries of a task are normalised together, as in the paper; inductive: each "
        "query is predicted with the support examples only.",
    )
    eval_seed: int = option(
        1234,
        label="task seed",
        help="Seed of the validation and test tasks; runs that share it are measured on the same tasks.",
        ge=0,
        lt=2**31,
    )

    def scored_step(self, last: int) -> int:
        """Return the inner step at which tasks are scored that were adapted for `last` steps."""
        return min(self.eval_steps, last)


class RunConfig(Section):
    """Everything that defines a run's result."""

    task: TaskConfig = TaskConfig()
    model: ModelConfig = ModelConfig()
    algorithm: AlgorithmConfig = AlgorithmConfig()
    training: TrainingConfig = TrainingConfig()
    evaluation: EvaluationConfig = EvaluationConfig()

    @model_validator(mode="before")
    @classmethod
    def _one_iteration_where_nothing_is_learned(cls, values: Any) -> Any:  # noqa: ANN401 - whatever was given
        if isinstance(values, dict):
            chosen = ALGORITHMS.get(str(values.get("algorithm", {}).get("algorithm")))
            if chosen is not None and not chosen.learns:
                return {**values, "training": {**values.get("training", {}), "iterations": 1}}
        return values

    @property
    def algorithm_entry(self) -> Algorithm:
        """What the catalogue says of the algorithm."""
        return ALGORITHMS[self.algorithm.algorithm]

    @property
    def data_entry(self) -> DataSet:
        """What the catalogue says of the data set."""
        return data_set(self.task.data)

    @property
    def training_steps(self) -> int:
        """Steps of adaptation behind the loss that is descended."""
        entry = self.algorithm_entry
        return self.algorithm.inner_steps if "inner_steps" in entry.options else entry.fixed_steps

    @property
    def is_regression(self) -> bool:
        """True where tasks are curves to fit, False where they are classes to tell apart."""
        return self.data_entry.kind == "regression"

    @property
    def data_name(self) -> str:
        """What the tasks are called: the data set, or a user's own class."""
        return self.task.task_class or self.task.data

    @property
    def task_name(self) -> str:
        """What is learned, in words; equal for runs whose results can be compared."""
        ways = "" if self.is_regression else f"{self.task.ways}-way "
        return f"{self.data_name} {ways}{self.task.shots}-shot"

    @property
    def own_classes(self) -> tuple[str, ...]:
        """The user's own classes that the run is made of."""
        return tuple(filter(None, (self.task.task_class, self.model.model_class)))

    @property
    def metric(self) -> Literal["mse", "accuracy"]:
        """The measure that a run is judged by."""
        return "mse" if self.is_regression else "accuracy"
