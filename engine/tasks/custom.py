"""A user's own tasks: a class that makes one task from one generator of random numbers.

Regression, a curve y(x) per task:

    class Lines:
        kind = "regression"
        input_shape = (1,)

        def task(self, generator, split, examples):
            x = torch.randn(examples, 1, generator=generator)
            return x, x * torch.randn(1, generator=generator)   # [examples, *input_shape], [examples, 1]

Classification, `ways` new classes per task:

    class Blobs:
        kind = "classification"
        input_shape = (2,)

        def task(self, generator, split, examples, ways):
            centres = torch.randn(ways, 1, 2, generator=generator)
            return centres + torch.randn(ways, examples, 2, generator=generator) / 9   # [ways, examples, *input_shape]

`split` is "train", "val" or "test": tasks of one must not be those of another. The first examples (of each class) are
the support set. All randomness must come from `generator`, which is seeded with the task's number: then a task is the
same whenever it is asked for, and a run can be resumed and compared.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from engine.catalogue.data_sets import DATA_SETS
from engine.config.own_code import explained, load_class, source_file
from engine.errors import UsageError
from engine.tasks.episode import Episodes, EpisodeShape
from engine.tasks.sampling import Purpose, Split, Stream

if TYPE_CHECKING:
    from engine.config.schema import RunConfig

_DATA: dict[str, str] = {entry.kind: name for name, entry in DATA_SETS.items() if entry.origin == "custom"}


@dataclass(frozen=True)
class CustomTasks:
    """Episodes made by a user's own class, one after the other, on the CPU.

    Attributes:
        reference: The class's name.
        tasks: Its instance, with `kind`, `input_shape` and `task` as above.
        fingerprint: Hash of the file that the class is written in.
    """

    reference: str
    tasks: Any
    input_shape: tuple[int, ...]
    fingerprint: dict[str, str]
    device: torch.device

    @classmethod
    def from_config(cls, config: RunConfig, device: torch.device) -> CustomTasks:
        """Build the source that a configuration names.

        Raises:
            UsageError: The class cannot be used, or makes tasks of another kind than the configuration says.
        """
        source = cls.load(config.task.task_class, device)
        if source.data != config.task.data:
            raise UsageError(
                f"{source.reference} makes tasks of {source.tasks.kind}: set data = {source.data}"
            )
        return source

    @classmethod
    def load(cls, reference: str, device: torch.device) -> CustomTasks:
        """Import the class `package.module:Class` and make an instance.

        Raises:
            UsageError: There is no such class, it cannot be made without arguments, or it lacks what a task needs.
        """
        kind = load_class(reference)
        if lacking := [name for name in ("kind", "input_shape", "task") if not hasattr(kind, name)]:
            raise UsageError(
                f"{reference} has no {lacking[0]}: see engine/tasks/custom.py for what makes tasks"
            )
        with explained(f"{reference} cannot be made"):
            tasks = kind()
            shape = tuple(map(int, tasks.input_shape))
        code = hashlib.sha256(source_file(kind).read_bytes()).hexdigest()
        return cls(reference, tasks, shape, {"tasks": code}, device)

    @property
    def data(self) -> str:
        """What a configuration calls tasks of this kind.

        Raises:
            UsageError: The class says neither regression nor classification.
        """
        if self.tasks.kind not in _DATA:
            raise UsageError(f"{self.reference}.kind = {self.tasks.kind!r} must be {' or '.join(_DATA)}")
        return _DATA[self.tasks.kind]

    def check(self, shape: EpisodeShape) -> None:
        """Make a task of every split; raise UsageError if one is not of this shape."""
        for split in Split:
            self.sample(Stream(0, split), torch.arange(1), shape)

    def sample(self, stream: Stream, indices: Tensor, shape: EpisodeShape) -> Episodes:
        """Return the episodes with the given numbers.

        Raises:
            UsageError: A task is not what was asked for, or the class fails.
        """
        seeds = stream.bits(Purpose.CUSTOM, indices.cpu()).tolist()
        made = [self._task(seed, stream.split.label, shape) for seed in seeds]
        return Episodes(*(torch.stack(part).to(self.device) for part in zip(*made, strict=True)))

    def _task(self, seed: int, split: str, shape: EpisodeShape) -> tuple[Tensor, ...]:
        generator = torch.Generator().manual_seed(seed)
        examples = shape.shots + shape.queries
        with explained(f"{self.reference}.task() failed"):
            if DATA_SETS[self.data].kind == "regression":
                x, y = self.tasks.task(generator, split, examples)
                self._hold(x, (examples, *self.input_shape))
                self._hold(y, (examples, 1))
                return x[: shape.shots], y[: shape.shots], x[shape.shots :], y[shape.shots :]
            x = self.tasks.task(generator, split, examples, shape.ways)
            self._hold(x, (shape.ways, examples, *self.input_shape))
        labels = torch.arange(shape.ways)
        return (
            x[:, : shape.shots].flatten(0, 1),
            labels.repeat_interleave(shape.shots),
            x[:, shape.shots :].flatten(0, 1),
            labels.repeat_interleave(shape.queries),
        )

    def _hold(self, values: Tensor, shape: tuple[int, ...]) -> None:
        found, wanted = f"{list(values.shape)} of {values.dtype}", f"{list(shape)} of torch.float32"
        if found != wanted:
            raise UsageError(f"{self.reference}.task() gave {found} where {wanted} is needed")
        if not values.isfinite().all():
            raise UsageError(f"{self.reference}.task() gave numbers that are not finite")
