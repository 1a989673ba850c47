"""Importing a user's own pictures: a tree of class folders, a CSV file of paths and labels, or an archive of either.

The split of the classes is made once, at the import, and kept with the pictures: it is what a file says, or what the
top folders train, val and test say, or 60/20/20 % of the classes in an order that a seed chooses.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from engine.data import store
from engine.data.listing import Listing, list_pictures
from engine.data.loading import Progress, guess_form, read_pictures, silent
from engine.data.splits import OWN, ClassSplit, check_classes, leaks, proportional_split, read_split
from engine.data.store import Imported, check_name
from engine.errors import ResourceError
from engine.text import printable

if TYPE_CHECKING:
    from pathlib import Path


# More for validation than published sets give, so that small sets can hold a task there.
_SHARES = (0.6, 0.2, 0.2)

# Classes that a task takes, at least.
_SMALLEST_TASK = 2

# Classes that a warning names, at most.
_NAMED = 3


@dataclass(frozen=True)
class Choices:
    """How to import.

    Attributes:
        size: Height and width in pixels; None to guess.
        channels: 1 or 3; None to guess.
        split: A TOML file with the lists train, val and test; None to take the top folders or to shuffle.
        seed: Another seed is another shuffle.
        skip_broken: Leave out pictures that cannot be read instead of refusing them all.
    """

    size: int | None = None
    channels: int | None = None
    split: Path | None = None
    seed: int = 0
    skip_broken: bool = False


def import_images(name: str, path: Path, choices: Choices, progress: Progress = silent) -> Imported:
    """Import the pictures at `path` (see `engine.data.listing`) as the data set `name`, replacing one of that name.

    Raises:
        UsageError: `name` may not name a set, there is nothing at `path`, or the split does not fit.
        ResourceError: The pictures cannot be read, or not be stored; nothing is changed.
    """
    check_name(name)
    listing = list_pictures(path)
    split = _split(name, listing, choices)
    form = guess_form(listing, choices.channels, choices.size, progress)
    found = read_pictures(listing, form, progress, skip_broken=choices.skip_broken)
    image_set = store.make_image_set(
        name, found.images, found.class_names, found.counts, f"imported from {path.absolute()}", split
    )
    store.save(image_set)
    warnings = (*found.warnings, *leaks(image_set, split), *_unused(image_set, split), *_too_few(split))
    return Imported(store.load(name), warnings)


def _unused(image_set: store.ImageSet, split: ClassSplit) -> list[str]:
    used = {name for names in split.parts().values() for name in names}
    unused = [f"'{printable(name)}'" for name in image_set.class_names if name not in used]
    if not unused:
        return []
    more = f" and {len(unused) - _NAMED} more" if len(unused) > _NAMED else ""
    count = "1 class is" if len(unused) == 1 else f"{len(unused):,} classes are"
    return [f"{count} in no part of the split and will not be used: {', '.join(unused[:_NAMED])}{more}"]


def _too_few(split: ClassSplit) -> list[str]:
    small = [part for part, classes in split.parts().items() if len(classes) < _SMALLEST_TASK]
    if not small:
        return []
    parts = " and ".join(small)
    return [
        f"only one class for {parts}, but a task takes {_SMALLEST_TASK} or more: add classes before you train"
    ]


def _split(name: str, listing: Listing, choices: Choices) -> ClassSplit:
    classes = dict.fromkeys(picture.class_name for picture in listing.pictures)
    if choices.split is not None:
        split = read_split(choices.split, OWN)
        check_classes(name, classes, split)
        return split
    if any(picture.part for picture in listing.pictures):
        return _split_by_parts(listing)
    return replace(proportional_split(name, list(classes), _SHARES, choices.seed, _SMALLEST_TASK), name=OWN)


def _split_by_parts(listing: Listing) -> ClassSplit:
    parts: dict[str, str] = {}
    for _, class_name, part in listing.pictures:
        if parts.setdefault(class_name, part) != part:
            raise ResourceError(
                f"{printable(listing.tree.path)} has the class '{printable(class_name)}' in {parts[class_name]} and in "
                f"{part}, but tasks of one part must be of classes unseen in the others: name each part's classes in a "
                "--split file"
            )
    lists = {label: tuple(c for c in parts if parts[c] == label) for label in ("train", "val", "test")}
    return ClassSplit(OWN, **lists)
