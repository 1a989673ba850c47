"""Tasks as large as a set of pictures allows, where nobody chose their size."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.data.fit import sizes_of
from engine.data.splits import class_indices, find_split
from engine.data.store import load

if TYPE_CHECKING:
    from collections.abc import Collection

    from engine.config.schema import RunConfig

_FEWEST_WAYS = 2


def smaller_tasks(config: RunConfig, chosen: Collection[str]) -> dict[str, int]:
    """Return what must be lowered for the tasks of `config` to fit its pictures, and how far.

    Args:
        chosen: Options that a person chose: they stay as they are, whatever comes of it.

    Raises:
        ResourceError: The data set is not installed, or damaged.
    """
    image_set = load(config.task.data)
    parts = sizes_of(image_set, class_indices(image_set, find_split(config.task.class_split, image_set)))
    pictures = min(count for classes in parts.values() for count in classes.values())
    queries = max(1, pictures - config.task.shots)
    sizes = {
        "ways": (config.task.ways, max(_FEWEST_WAYS, min(map(len, parts.values())))),
        "queries": (config.task.queries, queries),
        "eval_queries": (config.evaluation.eval_queries, queries),
    }
    return {name: most for name, (size, most) in sizes.items() if name not in chosen and size > most}
