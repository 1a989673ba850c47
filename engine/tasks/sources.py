"""From a configuration to its task distribution."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.catalogue.entries import KNOWN_CLASSES, load
from engine.data import store
from engine.data.splits import class_indices, find_split
from engine.tasks.episode import EpisodeShape, TaskSource
from engine.tasks.images import ImageTasks, LabelledImages

if TYPE_CHECKING:
    import torch

    from engine.config.schema import RunConfig


def build_source(config: RunConfig, device: torch.device) -> TaskSource:
    """Return the task distribution of `config` on `device`, large enough for its episodes.

    Raises:
        ResourceError: If the data set is not installed; says how to get it.
        UsageError: If the data cannot give episodes of the configured size.
    """
    own = config.data_entry.tasks
    source: TaskSource = load(own).from_config(config, device) if own else _images(config, device)
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
    if config.data_entry.origin in ("published", "imported"):
        store.verify(config.task.data)


def training_shape(config: RunConfig) -> EpisodeShape:
    """Return the size of the episodes of meta-training."""
    ways = 1 if config.is_regression else config.task.ways
    return EpisodeShape(ways, config.task.shots, config.task.queries)


def evaluation_shape(config: RunConfig) -> EpisodeShape:
    """Return the size of the episodes of validation and test."""
    ways = 1 if config.is_regression else config.task.ways
    return EpisodeShape(ways, config.task.shots, config.evaluation.eval_queries)


def _images(config: RunConfig, device: torch.device) -> ImageTasks:
    task, entry = config.task, config.data_entry
    kind = LabelledImages if KNOWN_CLASSES in config.algorithm_entry.needs_for_classes else ImageTasks
    is_generated = entry.origin == "generated"
    image_set = load(entry.module).make(task.classes) if is_generated else store.load(task.data)
    split = find_split(task.class_split, image_set)
    return kind.build(
        image_set,
        class_indices(image_set, split),
        rotations=task.rotations,
        fingerprint={"data": image_set.content_hash, "split": split.hash},
        device=device,
    )
