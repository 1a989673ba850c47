"""N-way K-shot classification over a set of pictures that lives on the device as one uint8 tensor."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from engine.data.fit import Sizes, check_fit, sizes_of
from engine.errors import UsageError
from engine.tasks.episode import Episodes, EpisodeShape
from engine.tasks.sampling import Purpose, Split, Stream, choose

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

    from engine.data.store import ImageSet

_NEVER = torch.iinfo(torch.int64).min


@dataclass(frozen=True)
class ImageTasks:
    """Episodes as an indexed gather plus a rotation.

    Attributes:
        class_names: Of all classes of the data set.
        images: uint8 `[examples, channels, height, width]`, examples of a class contiguous, on the device.
        offsets: First example of each class, int64 `[classes]`.
        counts: Examples of each class, int64 `[classes]`.
        classes: For each split the classes it may use, int64.
        rotations: Whether every class of a task is turned by a random multiple of 90 degrees.
        fingerprint: Hashes of the pictures and of the class split.
        sizes: For each split the names of its classes, and how many pictures each has.
    """

    name: str
    class_names: tuple[str, ...]
    images: Tensor
    offsets: Tensor
    counts: Tensor
    largest_class: int
    classes: Mapping[Split, Tensor]
    rotations: bool
    fingerprint: dict[str, str]
    sizes: Sizes

    @classmethod
    def build(
        cls,
        image_set: ImageSet,
        classes: Mapping[str, np.ndarray],
        *,
        rotations: bool,
        fingerprint: dict[str, str],
        device: torch.device,
    ) -> ImageTasks:
        """Put an image set on the device; `classes` maps `train`, `val` and `test` to class indices."""
        return cls(
            name=image_set.name,
            class_names=image_set.class_names,
            images=torch.tensor(image_set.images, device=device),
            offsets=torch.tensor(image_set.offsets, device=device),
            counts=torch.tensor(image_set.counts, device=device),
            largest_class=int(image_set.counts.max()),
            classes={split: torch.tensor(classes[split.label], device=device) for split in Split},
            rotations=rotations,
            fingerprint=fingerprint,
            sizes=sizes_of(image_set, classes),
        )

    @property
    def device(self) -> torch.device:
        """Where the pictures are."""
        return self.images.device

    @property
    def input_shape(self) -> tuple[int, ...]:
        """(channels, height, width)."""
        return tuple(self.images.shape[1:])

    def check(self, shape: EpisodeShape) -> None:
        """Raise UsageError if a split has too few classes, or a class too few pictures, for this shape."""
        *_, height, width = self.input_shape
        if self.rotations and height != width:
            raise UsageError(
                f"{self.name}: pictures of {height}x{width} cannot be turned: set rotations = false"
            )
        check_fit(self.name, self.sizes, shape.ways, shape.shots + shape.queries)

    def sample(self, stream: Stream, indices: Tensor, shape: EpisodeShape) -> Episodes:
        """Return the episodes with the given numbers.

        The order of a task's classes, and so the column each one has in the network's output, is random.
        """
        tasks = indices.to(self.device)
        classes = self.task_classes(stream, tasks, shape.ways)
        examples = self._examples(stream, tasks, classes, shape)
        quarter_turns = self._quarter_turns(stream, tasks, classes)
        labels = torch.arange(shape.ways, device=self.device)[:, None]
        parts = []
        for part in (examples[..., : shape.shots], examples[..., shape.shots :]):
            parts.append(self._pictures(part, quarter_turns).flatten(1, 2))
            parts.append(labels.expand_as(part[0]).flatten().expand(len(tasks), -1))
        return Episodes(*parts)

    def task_classes(self, stream: Stream, tasks: Tensor, ways: int) -> Tensor:
        """Return the classes of the tasks with the given numbers, `[tasks, ways]`: different ones, in random order."""
        pool = self.classes[stream.split]
        positions = torch.arange(len(pool), device=self.device)
        return pool[choose(stream.bits(Purpose.CLASSES, tasks[:, None], positions), ways)]

    def _examples(self, stream: Stream, tasks: Tensor, classes: Tensor, shape: EpisodeShape) -> Tensor:
        """Return `[tasks, ways, shots + queries]` different pictures of each class."""
        positions = torch.arange(self.largest_class, device=self.device)
        keys = stream.bits(Purpose.EXAMPLES, tasks[:, None, None], classes[..., None], positions)
        keys = keys.masked_fill(positions >= self.counts[classes][..., None], _NEVER)
        return self.offsets[classes][..., None] + choose(keys, shape.shots + shape.queries)

    def _quarter_turns(self, stream: Stream, tasks: Tensor, classes: Tensor) -> Tensor | None:
        """Return `[tasks, ways]` numbers of quarter turns, or None without rotations."""
        if not self.rotations:
            return None
        return stream.bits(Purpose.ROTATION, tasks[:, None], classes) & 3

    def _pictures(self, examples: Tensor, quarter_turns: Tensor | None) -> Tensor:
        """Return float32 pictures in [0, 1], `[tasks, ways, examples, channels, height, width]`."""
        # By a tensor: a GPU multiplies by the inverse of a number, which is off in the last bit.
        pictures = self.images[examples].to(torch.float32) / torch.full((), 255.0, device=self.device)
        if quarter_turns is None:
            return pictures
        return turned(pictures, quarter_turns[:, :, None, None, None, None])


class LabelledImages(ImageTasks):
    """The same episodes, but in training the targets are numbers of classes, and no columns.

    A class that is turned is a class of its own, as in all work on Omniglot since Santoro et al. (2016).
    """

    @property
    def training_classes(self) -> int:
        """How many classes there are to tell apart in training."""
        return len(self.classes[Split.TRAIN]) * (4 if self.rotations else 1)

    def sample(self, stream: Stream, indices: Tensor, shape: EpisodeShape) -> Episodes:
        """Return the episodes with the given numbers."""
        episodes = super().sample(stream, indices, shape)
        if stream.split is not Split.TRAIN:
            return episodes
        numbers = self._numbers(stream, indices.to(self.device), shape.ways)
        support_y, query_y = (
            numbers.gather(1, columns) for columns in (episodes.support_y, episodes.query_y)
        )
        return replace(episodes, support_y=support_y, query_y=query_y)

    def _numbers(self, stream: Stream, tasks: Tensor, ways: int) -> Tensor:
        """Return the number of each column's class among those of training, `[tasks, ways]`."""
        classes = self.task_classes(stream, tasks, ways)
        position = torch.zeros_like(self.counts)
        position[self.classes[Split.TRAIN]] = torch.arange(len(self.classes[Split.TRAIN]), device=self.device)
        turns = self._quarter_turns(stream, tasks, classes)
        return position[classes] if turns is None else position[classes] * 4 + turns


def turned(pictures: Tensor, quarter_turns: Tensor) -> Tensor:
    """Turn square pictures `[..., side, side]` counter-clockwise by broadcastable numbers of quarter turns."""
    result = pictures
    for turns in (1, 2, 3):
        result = torch.where(quarter_turns == turns, torch.rot90(pictures, turns, dims=(-2, -1)), result)
    return result
