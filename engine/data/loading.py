"""Reading listed pictures into one array, with word of how far it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from statistics import median
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from engine.data.pictures import Form, decode, header
from engine.errors import ResourceError
from engine.text import printable

if TYPE_CHECKING:
    from engine.data.listing import Listing

Progress = Callable[[str, int, int], None]
"""Is told what has been done to how many of how many pictures: `("read", 500, 60_000)`."""

_MAX_GUESS, _MIN_GUESS = 84, 16


class Pictures(NamedTuple):
    """What was read.

    Attributes:
        images: `[examples, channels, size, size]` uint8, those of a class side by side.
        class_names: `[classes]` names, sorted.
        counts: How many examples each class has.
        warnings: Sentences about what was passed over or changed.
    """

    images: np.ndarray
    class_names: tuple[str, ...]
    counts: tuple[int, ...]
    warnings: tuple[str, ...]


def silent(done: str, count: int, total: int) -> None:
    """Take word of progress and tell nobody."""


def guess_form(listing: Listing, channels: int | None, size: int | None, progress: Progress) -> Form:
    """Return the form for pictures whose form was not, or only partly, chosen.

    Channels: 1 where every picture is stored in grey, else 3. Size: the median of the pictures' shorter sides, but
    not below 16 nor above 84. Headers are read unless both are chosen; damaged pictures have no say.
    """
    if channels and size:
        return Form(channels, size)
    headers = []
    files = [picture.file for picture in listing.pictures]
    for number, (file, content) in enumerate(listing.tree.read(files), start=1):
        try:
            headers.append(header(content, file))
        except ResourceError:
            continue  # reading the picture itself will tell
        progress("measured", number, len(files))
    shorter = median(min(width, height) for _, width, height in headers) if headers else _MAX_GUESS
    return Form(
        channels or (1 if all(grey for grey, _, _ in headers) else 3),
        size or int(min(max(shorter, _MIN_GUESS), _MAX_GUESS)),
    )


def read_pictures(listing: Listing, form: Form, progress: Progress, *, skip_broken: bool) -> Pictures:
    """Read all listed pictures; leave out those that cannot be read, with a warning, if `skip_broken`.

    Raises:
        ResourceError: They cannot be held in memory, one cannot be read, or of a class none can.
    """
    place = {picture.file: number for number, picture in enumerate(listing.pictures)}
    images = _room(len(place), form)
    broken: dict[int, str] = {}
    resized = 0
    for number, (file, content) in enumerate(listing.tree.read(place), start=1):
        try:
            images[place[file]], changed = decode(content, f"'{file}'", form)
            resized += changed
        except ResourceError as error:
            broken[place[file]] = str(error)
        progress("read", number, len(place))
    warnings = [*_passed_over(listing), *_broken(broken, listing, skip=skip_broken)]
    if resized:
        warnings.append(f"{resized:,} of {len(place):,} pictures were resized to {form.size}x{form.size}")
    counts = Counter(p.class_name for number, p in enumerate(listing.pictures) if number not in broken)
    kept = np.delete(images, sorted(broken), axis=0) if broken else images
    return Pictures(kept, tuple(counts), tuple(counts.values()), tuple(warnings))


def _room(count: int, form: Form) -> np.ndarray:
    shape = (count, form.channels, form.size, form.size)
    try:
        return np.empty(shape, dtype=np.uint8)
    except MemoryError as error:
        raise ResourceError(
            f"{count:,} pictures of {form.size}x{form.size} do not fit into memory: choose a smaller --size"
        ) from error


def _passed_over(listing: Listing) -> list[str]:
    if not listing.passed_over:
        return []
    return [f"{_some(listing.passed_over)} passed over: no picture, or in no class folder"]


def _broken(broken: dict[int, str], listing: Listing, *, skip: bool) -> list[str]:
    if not broken:
        return []
    where, pictures = printable(listing.tree.path), listing.pictures
    of = f"{len(broken):,} of {len(pictures):,} pictures cannot be read ({next(iter(broken.values()))})"
    if not skip:
        raise ResourceError(f"{where}: {of}: repair or remove them, or leave them out with --skip-broken")
    whole = {picture.class_name for number, picture in enumerate(pictures) if number not in broken}
    if lost := {picture.class_name for picture in pictures} - whole:
        raise ResourceError(
            f"{where}: {of}, and none of the class '{printable(min(lost))}' can: repair or remove them"
        )
    return [f"{of}: left out"]


def _some(names: tuple[str, ...]) -> str:
    shown = ", ".join(f"'{printable(name)}'" for name in names[:3])
    return f"{shown} and {len(names) - 3:,} more" if len(names) > 3 else shown
