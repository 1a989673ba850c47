"""The data sets that the program knows by name, and how each is opened, imported or checked."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol, cast

from engine.catalogue.data_sets import DATA_SETS, data_set
from engine.catalogue.entries import load
from engine.data import store
from engine.data.loading import Progress, silent
from engine.data.own_images import Choices, import_images
from engine.data.pictures import Form
from engine.data.splits import ClassSplit, class_indices, leaks, splits_of
from engine.errors import ResourceError, UsageError
from engine.text import printable

if TYPE_CHECKING:
    from pathlib import Path

    from engine.data.store import ImageSet, Imported

ABOUT = {entry.name: entry.about for entry in DATA_SETS.values() if entry.about}
DOWNLOADABLE = tuple(entry.name for entry in DATA_SETS.values() if entry.is_downloadable)


class _Module(Protocol):
    """The functions of a data set's own module; see `engine.catalogue.entries.DataSet.module`."""

    FORM: Form

    def make(self) -> ImageSet: ...
    def import_copy(self, path: Path, progress: Progress, *, skip_broken: bool) -> Imported: ...
    def deviations(self, image_set: ImageSet) -> tuple[str, ...]: ...


@dataclass(frozen=True)
class Checked:
    """A data set found to be sound, the splits that fit it, and sentences about what one should know all the same."""

    image_set: ImageSet
    splits: tuple[ClassSplit, ...]
    warnings: tuple[str, ...]


def open_image_set(name: str) -> ImageSet:
    """Return the data set `name`: `strokes` is made (or read from its cache), any other must be installed.

    Raises:
        UsageError: `name` may not name a data set.
        ResourceError: The set is not installed, or damaged.
    """
    return _module(name).make() if data_set(name).origin == "generated" else store.load(name)


def form_of(name: str) -> Form:
    """Return what the pictures of the data set `name` were made into when it was imported.

    Raises:
        UsageError: `name` may not name a data set.
        ResourceError: It is a user's own set, and not installed.
    """
    if data_set(name).module:
        return _module(name).FORM
    _, channels, size, _ = store.load(name).images.shape
    return Form(channels, size)


def import_copy(name: str, path: Path, choices: Choices, progress: Progress = silent) -> Imported:
    """Import a copy of a published data set, or a user's own pictures under any other name.

    Args:
        path: `omniglot`, `miniimagenet` and `listing` say what may be there.
        choices: A published set leaves no choice but to skip broken pictures.

    Raises:
        UsageError: The name is taken or nearly so, or there is a choice where there is none.
        ResourceError: What is there cannot be read or stored; nothing is changed.
    """
    origin = data_set(name).origin
    if origin in ("generated", "custom"):
        raise UsageError(f"'{name}' is made by rule and cannot be imported: choose another name")
    if origin == "imported":
        _refuse_near_name(name)
        return import_images(name, path, choices, progress)
    if replace(choices, skip_broken=False) != Choices():
        raise UsageError(
            f"{name} is imported as it was published: size, channels, split and seed are for pictures of your own"
        )
    return _module(name).import_copy(path, progress, skip_broken=choices.skip_broken)


def check_image_set(name: str) -> Checked:
    """Read every pixel of the data set `name` and fit its splits to it.

    Raises:
        UsageError: `name` may not name a data set.
        ResourceError: The set is not installed, damaged, or lacks classes that a split of its own names.
    """
    generated = data_set(name).origin == "generated"
    image_set = open_image_set(name) if generated else store.verify(name)
    try:
        splits = splits_of(image_set)
        for split in splits:
            class_indices(image_set, split)
    except UsageError as error:
        raise ResourceError(str(error)) from error
    return Checked(image_set, splits, _warnings(image_set))


def _warnings(image_set: ImageSet) -> tuple[str, ...]:
    if data_set(image_set.name).origin == "published":
        return _module(image_set.name).deviations(image_set)
    return () if image_set.split is None else leaks(image_set, image_set.split)


def _module(name: str) -> _Module:
    return cast("_Module", load(data_set(name).module))


def _refuse_near_name(name: str) -> None:
    plain = re.sub("[^a-z]", "", name.lower())
    if plain in ABOUT and plain != name:
        raise UsageError(
            f"'{printable(name)}' is nearly '{plain}': import it as that, or choose another name"
        )
