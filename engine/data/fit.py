"""Whether a set has classes and pictures enough for the tasks that it shall give."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from engine.errors import UsageError
from engine.text import printable

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    import numpy as np

    from engine.data.store import ImageSet

_NAMED = 10
_FEWEST = 2  # pictures of a class: one to adapt to, one to tell
Sizes = dict[str, dict[str, int]]
"""For each of `train`, `val` and `test` its classes, and how many pictures each has."""


class MisfitError(UsageError):
    """Tasks are too large for the data.

    Attributes:
        found: What is too few for what, without what to do about it.
        lacking: Too few of what.
    """

    def __init__(self, found: str, lacking: Literal["classes", "pictures"], remedy: str) -> None:
        super().__init__(f"{found}: {remedy}")
        self.found, self.lacking = found, lacking


def sizes_of(image_set: ImageSet, classes: Mapping[str, np.ndarray]) -> Sizes:
    """Return the sizes of the classes that `classes` (see `class_indices`) points at."""
    return {
        part: {image_set.class_names[c]: int(image_set.counts[c]) for c in indices}
        for part, indices in classes.items()
    }


def _count(classes: Collection[str]) -> str:
    return "1 class" if len(classes) == 1 else f"{len(classes)} classes"


def check_fit(name: str, sizes: Sizes, ways: int, examples: int) -> None:
    """Refuse tasks that are too large for the data.

    Args:
        name: What the set is called.
        sizes: How many pictures its classes have.
        ways: Classes in a task.
        examples: Pictures of each class in a task, shots and queries together.

    Raises:
        MisfitError: A part has fewer classes than `ways`, or a class fewer pictures than `examples`; names them.
    """
    for part, classes in sizes.items():
        if len(classes) < ways:
            raise MisfitError(
                f"{name}: the {part} split has {_count(classes)}, fewer than ways = {ways}",
                "classes",
                "lower ways or add classes" if len(classes) > 1 else "a task needs two, so add classes",
            )
    small = [
        f"'{printable(class_name)}' ({part}) has {count}"
        for part, classes in sizes.items()
        for class_name, count in classes.items()
        if count < examples
    ]
    if small:
        more = f" and {len(small) - _NAMED:,} more" if len(small) > _NAMED else ""
        raise MisfitError(
            f"{name}: a task takes shots + queries = {examples} pictures of a class, "
            f"but {', '.join(small[:_NAMED])}{more}",
            "pictures",
            "lower shots, queries or eval_queries, or add pictures"
            if examples > _FEWEST
            else "fewer would be no task, so add pictures",
        )
