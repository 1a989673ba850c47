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
Sizes = dict[str, dict[str, int]]
"""For each of `train`, `val` and `test` its classes, and how many pictures each has."""


class MisfitError(UsageError):
    """Tasks are too large for the data: `found` says what is too few for what, without what to do about it."""

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
    """Refuse tasks of `ways` classes with `examples` pictures each (shots and queries) that are too large for the data.

    Raises:
        MisfitError: A part has fewer classes than `ways`, or a class fewer pictures than `examples`; names them.
    """
    part, classes = min(sizes.items(), key=lambda one: len(one[1]))
    if len(classes) < ways:
        raise MisfitError(
            f"{name}: the {part} split has {_count(classes)}, fewer than ways = {ways}",
            "classes",
            f"{_lower('ways', len(classes))}add classes",
        )
    by_size = sorted(
        ((part, class_name, count) for part, of in sizes.items() for class_name, count in of.items()),
        key=lambda one: one[2],
    )
    small = [
        f"'{printable(class_name)}' ({part}) has {count}"
        for part, class_name, count in by_size
        if count < examples
    ]
    if small:
        more = f" and {len(small) - _NAMED:,} more" if len(small) > _NAMED else ""
        raise MisfitError(
            f"{name}: shots + queries (or eval_queries) = {examples} pictures of a class, "
            f"but {', '.join(small[:_NAMED])}{more}",
            "pictures",
            f"{_lower('them', by_size[0][2])}add pictures",
        )


def _lower(what: str, available: int) -> str:
    """Say how far something is to be lowered; where not even the least that a task takes is there, why it cannot."""
    return f"lower {what} to {available} or " if available > 1 else "a task needs two, so "
