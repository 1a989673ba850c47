"""The one source of every hyperparameter: names, defaults, bounds, units, labels and help.

Command-line keys, TOML keys, forms and documentation are all read from these classes. Option names are unique
over all sections, so `-s inner_lr=0.1` needs no section. The paper's symbols: K = `shots`, N = `ways`,
alpha = `inner_lr`, beta = `meta_lr`.
"""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from engine.config.option import (
    CLASSIFICATION,
    CONVOLUTIONAL,
    CUSTOM_NETWORK,
    CUSTOM_TASKS,
    FINE_TUNED,
    INNER_LOOP,
    LEARNING,
    MLP,
    PICTURES,
    PUBLISHED,
    SINUSOID,
    STROKES,
    option,
)

CLASS_SPLITS = {"omniglot": ("1100-100-423", "alphabets"), "miniimagenet": ("64-16-20", "64-12-24")}
"""The committed splits of each published data set; the first is taken where none is chosen."""

MOST_KEPT = 10
"""The most checkpoints that a run keeps as its best."""

Interval = tuple[float, float]
REFERENCE = r"^([A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*)?$"
"""A class of one's own: `package.module:Class`, or nothing."""

DATA_NAME = r"^[a-z0-9][a-z0-9._-]{0,63}$"
"""What a data set may be called."""

PATTERNS = {
    REFERENCE: "write package.module:Class",
    DATA_NAME: "use 1 to 64 of a-z, 0-9, '.', '_' and '-', starting with a letter or a digit",
}
"""What to do so that a text has the form that an option asks for."""

PositiveInt = Annotated[int, Field(ge=1, le=4096)]


class Section(BaseModel):
    """A group of options: frozen, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class TaskConfig(Section):
    """The task distribution p(T)."""

    data: str = option(
        "sinusoid",
        label="data",
        help="Where tasks come from: sinusoid, strokes (procedural characters), omniglot, miniimagenet, or "
        "pictures of your own by the name they were imported under; custom-regression and custom-classification "
        "for a class of your own.",
        pattern=DATA_NAME,
    )
    task_class: str = option(
        "",
        label="task class",
        help="Your own class that makes tasks, package.module:Class; see engine/tasks/custom.py.",
        when=CUSTOM_TASKS,
        pattern=REFERENCE,
    )
    amplitude: Interval = option(
        (0.1, 5.0), label="amplitude A", help="Range of the amplitude in y = A sin(x - phase).", when=SINUSOID
    )
    phase: Interval = option(
        (0.0, math.pi),
        label="phase",
        help="Range of the phase in y = A sin(x - phase).",
        unit="rad",
        when=SINUSOID,
    )
    x_range: Interval = option(
        (-5.0, 5.0), label="x range", help="Range the points of a task are drawn from.", when=SINUSOID
    )
    class_split: Literal["1100-100-423", "alphabets", "64-16-20", "64-12-24"] = option(
        "1100-100-423",
        label="class split",
        help="Which classes are for training, validation and test. Omniglot: 1100-100-423 shuffles all characters "
        "once; alphabets keeps its own background and evaluation alphabets apart. MiniImagenet: 64-16-20 is Ravi and "
        "Larochelle's; 64-12-24 has the sizes in the paper's text.",
        when=PUBLISHED,
    )
    classes: int = option(
        400, label="classes", help="How many characters to make up.", when=STROKES, ge=10, le=20_000
    )
    ways: int = option(
        5, label="ways N", help="Classes in a task.", unit="classes", when=CLASSIFICATION, ge=2, le=1000
    )
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
        label="queries",
        help="Query examples in meta-training: per class, or the points of a regression task.",
        unit="examples",
        ge=1,
        le=1000,
    )
    rotations: bool = option(
        False,
        label="rotate classes",
        help="Turn every class of a task by a random multiple of 90 degrees.",
        when=PICTURES,
    )

    @model_validator(mode="before")
    @classmethod
    def _first_split_of_the_data(cls, values: Any) -> Any:  # noqa: ANN401 - whatever was given
        if isinstance(values, dict) and (splits := CLASS_SPLITS.get(str(values.get("data")))):
            return {"class_split": splits[0], **values}
        return values


class ModelConfig(Section):
    """The network f_theta."""

    network: Literal["mlp", "conv4-stride", "conv4-pool", "custom"] = option(
        "mlp",
        label="network",
        help="mlp for regression; conv4-stride (strided, mean over space) or conv4-pool (max-pooled) for images; "
        "custom for a class of your own.",
    )
    model_class: str = option(
        "",
        label="network class",
        help="Your own nn.Module, package.module:Class. Of input_shape and outputs it is given what it asks for.",
        when=CUSTOM_NETWORK,
        pattern=REFERENCE,
    )
    hidden: tuple[PositiveInt, ...] = option(
        (40, 40),
        label="hidden layers",
        help="Width of every hidden layer.",
        unit="units",
        when=MLP,
        max_length=16,
    )
    filters: int = option(
        64,
        label="filters",
        help="Filters of each of the four convolutions.",
        unit="filters",
        when=CONVOLUTIONAL,
        ge=1,
        le=1024,
    )


class AlgorithmConfig(Section):
    """How theta learns."""

    algorithm: Literal["maml", "fomaml", "pretrained", "scratch", "oracle", "prototypical"] = option(
        "maml",
        label="algorithm",
        help="maml differentiates through the inner steps (second order); fomaml drops that term (first order). "
        "Baselines: pretrained learns all training tasks at once and is fine-tuned, scratch is fine-tuned from its "
        "random initialisation, oracle is pretrained and told amplitude and phase, prototypical compares pictures "
        "with the mean of each class.",
    )
    inner_lr: float = option(
        0.01, label="inner lr", help="Step size alpha of the inner loop.", when=INNER_LOOP, gt=0, le=100
    )
    inner_steps: int = option(
        1,
        label="inner steps",
        help="Gradient steps of adaptation in meta-training.",
        unit="steps",
        when=INNER_LOOP,
        ge=1,
        le=1000,
    )
    loss_reduction: Literal["mean", "paper"] = option(
        "mean",
        label="loss reduction",
        help="Scale of a task's loss: the mean over its examples, or (paper) their sum divided by the shots K, "
        "as in the authors' code, which makes the inner step of an N-way task N times larger.",
        when=CLASSIFICATION,
    )


class TrainingConfig(Section):
    """The outer loop."""

    iterations: int = option(
        1000,
        label="iterations",
        help="Meta-updates.",
        unit="iterations",
        when=LEARNING,
        ge=1,
        le=1_000_000_000,
    )
    meta_batch_size: int = option(
        25, label="meta-batch", help="Tasks in each meta-update.", unit="tasks", ge=1, le=100_000
    )
    meta_lr: float = option(
        0.001, label="meta lr", help="Step size beta of Adam.", when=LEARNING, gt=0, le=100
    )
    grad_clip: float = option(
        0.0,
        label="gradient clip",
        help="Clip every meta-gradient element to +-this; 0 for no clipping.",
        when=LEARNING,
        ge=0,
    )
    seed: int = option(
        0, label="seed", help="Seed of the initialisation and of the training tasks.", ge=0, lt=2**31
    )
    eval_every: int = option(
        1000,
        label="validate every",
        help="Iterations between validations; 0 for none.",
        unit="iterations",
        when=LEARNING,
        ge=0,
    )
    checkpoint_every: int = option(
        1000,
        label="checkpoint every",
        help="Iterations between checkpoints; 0 for only at the end or on request.",
        unit="iterations",
        when=LEARNING,
        ge=0,
    )
    patience: int = option(
        0,
        label="patience",
        help="Stop after this many validations without improvement; 0 for never.",
        unit="validations",
        when=LEARNING,
        ge=0,
    )
    keep_best: int = option(
        1,
        label="best kept",
        help="How many of the best checkpoints on validation are kept; several can be measured together, as an "
        "ensemble (maml eval --ensemble).",
        unit="checkpoints",
        when=LEARNING,
        changes_result=False,
        ge=1,
        le=MOST_KEPT,
    )
    task_chunk: int = option(
        0,
        label="tasks at a time",
        help="The most tasks of a meta-batch to adapt at a time: fewer take less memory; 0 for what is fast. "
        "The result differs by rounding only.",
        unit="tasks",
        changes_result=False,
        ge=0,
        le=100_000,
    )
    checkpoint_inner: Literal["auto", "on", "off"] = option(
        "auto",
        label="recompute inner steps",
        help="on computes what the inner steps leave behind a second time, for less memory; off keeps it; auto "
        "keeps it for up to 5 steps. The result differs by rounding only.",
        when=INNER_LOOP,
        changes_result=False,
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
        when=CLASSIFICATION,
    )
    eval_seed: int = option(
        1234,
        label="task seed",
        help="Seed of the validation and test tasks; runs that share it are measured on the same tasks.",
        ge=0,
        lt=2**31,
    )


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
        if isinstance(values, dict) and values.get("algorithm", {}).get("algorithm") == "scratch":
            return {**values, "training": {**values.get("training", {}), "iterations": 1}}
        return values

    @property
    def learns(self) -> bool:
        """Whether training changes the parameters."""
        return LEARNING.holds(dict(self.algorithm))

    @property
    def training_steps(self) -> int:
        """Steps of adaptation behind the loss that is descended."""
        if INNER_LOOP.holds(dict(self.algorithm)):
            return self.algorithm.inner_steps
        return 1 if self.algorithm.algorithm == "prototypical" else 0

    @property
    def is_fine_tuned(self) -> bool:
        """Whether adaptation takes the step size that is best on validation tasks, and not `inner_lr`."""
        return FINE_TUNED.holds(dict(self.algorithm))

    @property
    def is_regression(self) -> bool:
        """True where tasks are curves to fit, False where they are classes to tell apart."""
        return not CLASSIFICATION.holds(dict(self.task))

    @property
    def data_name(self) -> str:
        """What the tasks are called: the data set, or a person's own class."""
        return self.task.task_class or self.task.data

    @property
    def task_name(self) -> str:
        """What is learned, in words; equal for runs whose results can be compared."""
        ways = "" if self.is_regression else f"{self.task.ways}-way "
        return f"{self.data_name} {ways}{self.task.shots}-shot"

    @property
    def own_classes(self) -> tuple[str, ...]:
        """Classes of a person's own that the run is made of."""
        return tuple(filter(None, (self.task.task_class, self.model.model_class)))

    @property
    def metric(self) -> Literal["mse", "accuracy"]:
        """The measure that a run is judged by."""
        return "mse" if self.is_regression else "accuracy"
