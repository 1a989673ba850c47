"""The data sets that the program knows by name, and how each is opened, imported or checked."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from engine.data import miniimagenet, omniglot, store, strokes
from engine.data.loading import silent
from engine.data.own_images import Choices, import_images
from engine.data.pictures import Form
from engine.data.splits import class_indices, leaks, splits_of
from engine.errors import ResourceError, UsageError
from engine.text import printable

if TYPE_CHECKING:
    from pathlib import Path

    from engine.data.loading import Progress
    from engine.data.splits import ClassSplit
    from engine.data.store import ImageSet, Imported

ABOUT = {
    strokes.NAME: "procedural characters, made when needed",
    omniglot.NAME: "1623 handwritten characters (Lake et al. 2015)",
    miniimagenet.NAME: "100 classes of photographs (Vinyals et al. 2016)",
}
DOWNLOADABLE = (omniglot.NAME,)
_MADE = ("sinusoid", "custom-regression", "custom-classification", strokes.NAME)


@dataclass(frozen=True)
class Checked:
    """A data set found to be sound.

    Attributes:
        image_set: The set.
        splits: The splits that fit it.
        warnings: Sentences about what a person should know all the same.
    """

    image_set: ImageSet
    splits: tuple[ClassSplit, ...]
    warnings: tuple[str, ...]


def open_image_set(name: str) -> ImageSet:
    """Return the data set `name`: `strokes` is made (or read from its cache), any other must be installed.

    Raises:
        UsageError: `name` may not name a data set.
        ResourceError: The set is not installed, or damaged.
    """
    return strokes.make_strokes() if name == strokes.NAME else store.load(name)


def form_of(name: str) -> Form:
    """Return what the pictures of the data set `name` were made into when it was imported.

    Raises:
        UsageError: `name` may not name a data set.
        ResourceError: It is a person's own set, and not installed.
    """
    if name == miniimagenet.NAME:
        return miniimagenet.FORM
    if name in (omniglot.NAME, strokes.NAME):  # made-up characters have Omniglot's form
        return omniglot.FORM
    _, channels, size, _ = store.load(name).images.shape
    return Form(channels, size)


def import_copy(name: str, path: Path, choices: Choices, progress: Progress = silent) -> Imported:
    """Import a copy of a published data set, or a person's own pictures under any other name.

    Args:
        name: Which set, or what to call it.
        path: Where it is; `omniglot`, `miniimagenet` and `listing` say what may be there.
        choices: How to import; a published set leaves no choice but to skip broken pictures.
        progress: Told how far it is.

    Raises:
        UsageError: The name is taken or nearly so, or there is a choice where there is none.
        ResourceError: What is there cannot be read or stored; nothing is changed.
    """
    if name in _MADE:
        raise UsageError(f"'{name}' is made by rule and cannot be imported: choose another name")
    if name not in ABOUT:
        _refuse_near_name(name)
        return import_images(name, path, choices, progress)
    if replace(choices, skip_broken=False) != Choices():
        raise UsageError(
            f"{name} is imported as it was published: size, channels, split and seed are for pictures of your own"
        )
    if name == omniglot.NAME:
        return omniglot.import_omniglot(path, progress)
    return miniimagenet.import_miniimagenet(path, progress, skip_broken=choices.skip_broken)


def check_image_set(name: str) -> Checked:
    """Read every pixel of the data set `name` and fit its splits to it.

    Raises:
        UsageError: `name` may not name a data set.
        ResourceError: The set is not installed, damaged, or lacks classes that a split of its own names.
    """
    image_set = open_image_set(name) if name == strokes.NAME else store.verify(name)
    try:
        splits = splits_of(image_set)
        for split in splits:
            class_indices(image_set, split)
    except UsageError as error:
        raise ResourceError(str(error)) from error
    return Checked(image_set, splits, _warnings(image_set))


def _warnings(image_set: ImageSet) -> tuple[str, ...]:
    if image_set.name == omniglot.NAME:
        return omniglot.deviations(image_set)
    if image_set.name == miniimagenet.NAME:
        return miniimagenet.deviations(image_set)
    return () if image_set.split is None else leaks(image_set, image_set.split)


def _refuse_near_name(name: str) -> None:
    plain = re.sub("[^a-z]", "", name.lower())
    if plain in ABOUT and plain != name:
        raise UsageError(
            f"'{printable(name)}' is nearly '{plain}': import it as that, or choose another name"
        )
