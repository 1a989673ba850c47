"""Omniglot (Lake, Salakhutdinov & Tenenbaum, Science 2015): 1623 handwritten characters, 20 drawings of each.

Published as two zips of 105x105 one-bit PNGs, black ink on white. Here they become 28x28 with ink = 255 and
paper = 0, by **nearest neighbour**: MAML's authors asked for a smoother filter, but Pillow ignores the filter for
one-bit pictures, so this is what their networks saw. Converting to grey first would give other pixels.
"""

from __future__ import annotations

from collections import defaultdict
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING

import numpy as np

from engine.data import store
from engine.data.archives import Member, read_bounded, read_members, reading
from engine.data.loading import Progress, silent
from engine.data.pictures import Form, decode
from engine.data.store import ImageSet, Imported
from engine.errors import ResourceError, UsageError
from engine.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterator


NAME = "omniglot"
CONTENT_HASH = "1f05f784a194a36c14303db9c28d0a0a89673a8c4cfe2051009931f49830818b"
"""What the published drawings hash to once they are 28x28."""

FORM = Form(channels=1, size=28, ink=True)
"""What every drawing becomes."""

_CHARACTERS = {"images_background": 964, "images_evaluation": 659}
_DRAWINGS = 20
_MAX_PNG, _MAX_ZIP = 2**20, 2**26
# As unpacked, as torchvision leaves it, as in the authors' repository.
_LAYOUTS = (".", "omniglot-py", "python")

_Found = dict[str, dict[str, dict[str, np.ndarray]]]


def import_copy(
    path: Path,
    progress: Progress = silent,
    *,
    skip_broken: bool = False,  # noqa: ARG001 - a drawing that cannot be read means that the copy is damaged
) -> Imported:
    """Read a local copy of Omniglot and store it under the name `omniglot`.

    Args:
        path: A folder with `images_background` and `images_evaluation` as folders or as the published zips, one of
            those folders or zips beside the other, or one archive (zip, tar, tar.gz) with both folders or both zips.

    Raises:
        UsageError: There is nothing at `path`.
        ResourceError: What is there is not all of Omniglot, is damaged, or cannot be stored; nothing is changed.
    """
    image_set = read_omniglot(path, progress)
    store.save(image_set)
    return Imported(store.load(NAME), deviations(image_set))


def deviations(image_set: ImageSet) -> tuple[str, ...]:
    """Return a sentence where `image_set` is not what the published drawings become, nothing where it is."""
    if image_set.content_hash == CONTENT_HASH:
        return ()
    differs = (
        f"this copy of Omniglot differs from the published pixels (content hash {image_set.content_hash[:12]}, "
        f"published {CONTENT_HASH[:12]}): results on it are not comparable with others'"
    )
    return (differs,)


def read_omniglot(path: Path, progress: Progress = silent) -> ImageSet:
    """Read a local copy of Omniglot into memory, `[32460, 1, 28, 28]`; arguments and errors as for `import_copy`.

    Classes are called `<alphabet>/<character>` and sorted by that name, the drawings of a class by their file's name.
    """
    if not path.exists():
        raise UsageError(
            f"there is nothing at {printable(path)}: give the folder or archive that holds Omniglot"
        )
    found: _Found = {part: defaultdict(dict) for part in _CHARACTERS}
    total = sum(_CHARACTERS.values()) * _DRAWINGS
    for number, (label, member) in enumerate(_members(path), start=1):
        place = _place(member.name)
        if place is not None:
            part, character, drawing = place
            found[part][character][drawing] = decode(member.content, f"'{member.name}' in {label}", FORM)[0]
            progress("read", number, total)
    _check(found, path)
    characters = dict(sorted((name, drawings) for part in found.values() for name, drawings in part.items()))
    pictures = [drawings[file] for drawings in characters.values() for file in sorted(drawings)]
    counts = [len(drawings) for drawings in characters.values()]
    source = (
        f"Omniglot (Lake et al. 2015), 105x105 to {FORM.size}x{FORM.size} by nearest neighbour, ink = 255"
    )
    return store.make_image_set(NAME, np.stack(pictures), tuple(characters), counts, source)


def _members(path: Path) -> Iterator[tuple[str, Member]]:
    if path.stem in _CHARACTERS:
        path = path.absolute().parent
    sources = [_part_in(path, part) for part in _CHARACTERS] if path.is_dir() else [path]
    for source in sources:
        if source.is_dir():
            yield from ((str(source.parent), member) for member in _folder_members(source))
        else:
            with reading(str(source)), source.open("rb") as file:
                yield from _archive_members(file, str(source))


def _part_in(folder: Path, part: str) -> Path:
    candidates = [folder / layout / name for layout in _LAYOUTS for name in (part, f"{part}.zip")]
    for candidate in candidates:
        if candidate.exists():
            return candidate
    raise ResourceError(
        f"{printable(folder)} has no {part} and no {part}.zip: Omniglot is both {' and '.join(_CHARACTERS)}"
    )


def _folder_members(folder: Path) -> Iterator[Member]:
    for path in folder.glob("*/*/*.png"):
        with reading(str(path)), path.open("rb") as file:
            yield Member(path.relative_to(folder.parent).as_posix(), read_bounded(file, str(path), _MAX_PNG))


def _archive_members(file: IO[bytes], label: str) -> Iterator[tuple[str, Member]]:
    for member in read_members(file, label, _limit):
        if _place(member.name):
            yield label, member
        else:
            inner = f"'{member.name}' in {label}"
            for drawing in read_members(BytesIO(member.content), inner, _drawing_limit):
                yield inner, drawing


def _limit(name: str) -> int:
    path = PurePosixPath(name)
    published_zip = path.stem in _CHARACTERS and path.suffix == ".zip"
    return _MAX_ZIP if published_zip else _drawing_limit(name)


def _drawing_limit(name: str) -> int:
    return _MAX_PNG if _place(name) else 0


def _place(name: str) -> tuple[str, str, str] | None:
    """Return (part, `<alphabet>/<character>`, file) for the name of a drawing, None for any other name."""
    match PurePosixPath(name).parts[-4:]:
        case (part, alphabet, character, file) if part in _CHARACTERS and file.endswith(".png"):
            # macOS adds a `._x.png` beside every `x.png` that it packs, and that is no picture.
            return None if file.startswith(".") else (part, f"{alphabet}/{character}", file)
    return None


def _check(found: _Found, path: Path) -> None:
    for part, expected in _CHARACTERS.items():
        if len(found[part]) != expected:
            raise ResourceError(
                f"{printable(path)} has {len(found[part])} characters under {part}/<alphabet>/<character>/*.png where "
                f"Omniglot has {expected}: fetch it again"
            )
        for character, drawings in found[part].items():
            if len(drawings) != _DRAWINGS:
                raise ResourceError(
                    f"{printable(path)} has {len(drawings)} drawings of '{printable(character)}' where Omniglot has "
                    f"{_DRAWINGS}: fetch it again"
                )
    if shared := set.intersection(*(set(characters) for characters in found.values())):
        raise ResourceError(f"{printable(path)} has '{printable(min(shared))}' in both parts: fetch it again")
