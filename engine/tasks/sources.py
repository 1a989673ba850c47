"""From a configuration to its task distribution."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.data.splits import class_indices, find_split
from engine.data.store import load, verify
from engine.data.strokes import make_strokes
from engine.errors import UsageError
from engine.tasks.custom import CustomTasks
from engine.tasks.episode import EpisodeShape
from engine.tasks.images import ImageTasks, LabelledImages
from engine.tasks.sinusoid import Sinusoid, ToldSinusoid

if TYPE_CHECKING:
    import torch

    from engine.config.schema import RunConfig
    from engine.tasks.episode import TaskSource


def build_source(config: RunConfig, device: torch.device) -> TaskSource:
    """Return the task distribution of `config` on `device`, large enough for its episodes.

    Raises:
        ResourceError: If the data set is not installed; says how to get it.
        UsageError: If the data cannot give episodes of the configured size.
    """
    source = _source(config, device)
    source.check(training_shape(config))
    source.check(evaluation_shape(config))
    return source


def verify_data(config: RunConfig) -> None:
    """Make sure that the data set of `config`, if it is on disk, is still what was imported, to the last pixel.

    Its recorded hash alone would not tell. It takes a second or two for MiniImagenet, so only those ask whose numbers
    depend on it.

    Raises:
        ResourceError: The data set is not installed or is damaged; says what to do.
    """
    task = config.task
    if not (task.task_class or config.is_regression or task.data == "strokes"):
        verify(task.data)


def _source(config: RunConfig, device: torch.device) -> TaskSource:
    if config.task.task_class:
        return _custom(config, device)
    return _curves(config, device) if config.is_regression else _images(config, device)


def _custom(config: RunConfig, device: torch.device) -> CustomTasks:
    source = CustomTasks.load(config.task.task_class, device)
    if source.data != config.task.data:
        raise UsageError(f"{source.reference} makes tasks of {source.tasks.kind}: set data = {source.data}")
    return source


def training_shape(config: RunConfig) -> EpisodeShape:
    """Return the size of the episodes of meta-training."""
    ways = 1 if config.is_regression else config.task.ways
    return EpisodeShape(ways, config.task.shots, config.task.queries)


def evaluation_shape(config: RunConfig) -> EpisodeShape:
    """Return the size of the episodes of validation and test."""
    ways = 1 if config.is_regression else config.task.ways
    return EpisodeShape(ways, config.task.shots, config.evaluation.eval_queries)


def _curves(config: RunConfig, device: torch.device) -> Sinusoid:
    kind = ToldSinusoid if config.algorithm.algorithm == "oracle" else Sinusoid
    return kind.from_config(config.task, device)


def _images(config: RunConfig, device: torch.device) -> ImageTasks:
    task = config.task
    kind = LabelledImages if config.algorithm.algorithm == "pretrained" else ImageTasks
    image_set = make_strokes(task.classes) if task.data == "strokes" else load(task.data)
    split = find_split(task.class_split, image_set)
    return kind.build(
        image_set,
        class_indices(image_set, split),
        rotations=task.rotations,
        fingerprint={"data": image_set.content_hash, "split": split.hash},
        device=device,
    )
