"""The data sets that the program knows by name, and how each is opened, imported or downloaded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.data import omniglot, store, strokes
from engine.data.splits import available_splits, class_indices, find_split
from engine.errors import ResourceError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from engine.data.omniglot import Imported
    from engine.data.store import ImageSet

ABOUT = {
    strokes.NAME: "procedural characters, made when needed",
    omniglot.NAME: "1623 handwritten characters (Lake et al. 2015)",
}
DOWNLOADABLE = (omniglot.NAME,)
IMPORTERS: dict[str, Callable[[Path], Imported]] = {omniglot.NAME: omniglot.import_omniglot}


@dataclass(frozen=True)
class Checked:
    """A data set found to be sound.

    Attributes:
        image_set: The set.
        splits: The names of the splits that fit it.
        warnings: Sentences about what a person should know all the same.
    """

    image_set: ImageSet
    splits: tuple[str, ...]
    warnings: tuple[str, ...]


def open_image_set(name: str) -> ImageSet:
    """Return the data set `name`: `strokes` is made (or read from its cache), any other must be installed.

    Raises:
        UsageError: `name` may not name a data set.
        ResourceError: The set is not installed, or damaged.
    """
    return strokes.make_strokes() if name == strokes.NAME else store.load(name)


def check_image_set(name: str) -> Checked:
    """Read every pixel of the data set `name` and fit its splits to it.

    Raises:
        UsageError: `name` may not name a data set.
        ResourceError: The set is not installed, damaged, or lacks classes that a split of its own names.
    """
    image_set = open_image_set(name) if name == strokes.NAME else store.verify(name)
    splits = available_splits(name)
    try:
        for split in splits:
            class_indices(image_set, find_split(split, image_set))
    except UsageError as error:
        raise ResourceError(str(error)) from error
    return Checked(image_set, splits, omniglot.deviations(image_set) if name == omniglot.NAME else ())
