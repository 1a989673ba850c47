"""Image sets on disk: one folder each, written as a whole or not at all, read by mapping it into memory.

A set is `<data dir>/<name>/images.npy`, every picture with those of one class side by side, and `index.json`, which
says where each class begins and what the pixels must hash to. A set whose classes were split when it was imported has
the lists in `split.toml`.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import tempfile
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
import tomli_w

from engine.catalogue.data_sets import data_set
from engine.data.splits import OWN, ClassSplit, class_indices, read_split
from engine.errors import ResourceError, UsageError
from engine.files import sync_dir
from engine.paths import data_dir
from engine.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_RESERVED = "cache"


def is_name(name: str) -> bool:
    """Tell whether `name` may name a data set; see `check_name`."""
    return name != _RESERVED and _NAME.fullmatch(name) is not None


def check_name(name: str) -> str:
    """Return `name` if it may name a data set.

    Raises:
        UsageError: It is not 1 to 64 of `a-z 0-9 . _ -` starting with a letter or a digit, or it is reserved.
    """
    if not is_name(name):
        raise UsageError(
            f"'{printable(name)}' cannot name a data set: use 1 to 64 of a-z, 0-9, '.', '_' and '-', "
            f"starting with a letter or a digit, and not '{_RESERVED}'"
        )
    return name


_FORMAT = 1
_IMAGES, _INDEX, _SPLIT = "images.npy", "index.json", "split.toml"


@dataclass(frozen=True, eq=False)
class ImageSet:
    """Pictures in classes.

    Attributes:
        name: What the set is called on disk and in a run's configuration.
        images: `[examples, channels, height, width]` uint8, read-only; the examples of one class are contiguous.
        class_names: One name per class, in the order of `images`, all different.
        counts: `[classes]` int64, how many examples each class has.
        source: A sentence about where the pictures came from.
        content_hash: SHA-256 (hex) over class names, counts, shape and pixels; see `hash_content`.
        split: How its classes were split when it was imported; None where a committed split or the rule holds.
    """

    name: str
    images: np.ndarray
    class_names: tuple[str, ...]
    counts: np.ndarray
    source: str
    content_hash: str
    split: ClassSplit | None = None

    @property
    def classes(self) -> int:
        """How many classes there are."""
        return len(self.class_names)

    @cached_property
    def offsets(self) -> np.ndarray:
        """`[classes]` int64: the index in `images` of each class's first example."""
        starts: np.ndarray = np.cumsum(self.counts) - self.counts
        return starts


@dataclass(frozen=True)
class Imported:
    """A set as it now lies in the data directory, and sentences about what a person should know."""

    image_set: ImageSet
    warnings: tuple[str, ...]


def make_image_set(
    name: str,
    images: np.ndarray,
    class_names: Sequence[str],
    counts: Sequence[int] | np.ndarray,
    source: str,
    split: ClassSplit | None = None,
) -> ImageSet:
    """Make a set of pictures held in memory, which become read-only, and hash what is in it; see `ImageSet`.

    Raises:
        UsageError: `name` may not name a data set.
        ValueError: Array, names and counts do not fit each other.
    """
    names, examples = tuple(class_names), np.asarray(counts, dtype=np.int64)
    if complaint := _mismatch(images, names, examples):
        raise ValueError(complaint)
    images.flags.writeable = examples.flags.writeable = False
    content_hash = hash_content(images, names, examples)
    return ImageSet(check_name(name), images, names, examples, source, content_hash, split)


def hash_content(images: np.ndarray, class_names: Sequence[str], counts: np.ndarray) -> str:
    """Return the SHA-256 (hex) of a JSON line with names, counts and shape, followed by the pixels in C order."""
    header = {"class_names": list(class_names), "counts": counts.tolist(), "shape": list(images.shape)}
    digest = hashlib.sha256(json.dumps(header, sort_keys=True).encode() + b"\n")
    digest.update(np.ascontiguousarray(images).data)
    return digest.hexdigest()


def save(image_set: ImageSet, root: Path | None = None) -> Path:
    """Write a set to `<root>/<name>`, replacing one of that name, and return the folder.

    The files are completed and synced in a temporary folder beside the target and then renamed into place, so a
    reader finds the old set or the new one, never a part of one.

    Raises:
        ResourceError: The folder cannot be written (no space, no permission).
    """
    target = _folder(image_set.name, root)
    try:
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{image_set.name}-", dir=target.parent) as workspace:
            _write(image_set, Path(workspace, "new"))
            _swap(Path(workspace), target)
        sync_dir(target.parent)
    except OSError as error:
        raise ResourceError(
            f"cannot write the data set '{image_set.name}' to {printable(target)} ({error.strerror or error}): "
            "make room there, or choose another directory with MAML_DATA_DIR"
        ) from error
    return target


def load(name: str, root: Path | None = None) -> ImageSet:
    """Map the installed set `name` into memory, checking shapes and sizes but not every pixel.

    Raises:
        UsageError: `name` may not name a data set.
        ResourceError: The set is not installed, or its index and its array do not fit each other.
    """
    folder = _folder(name, root)
    try:
        index = json.loads((folder / _INDEX).read_text(encoding="utf-8"))
        images = np.load(folder / _IMAGES, mmap_mode="r", allow_pickle=False)
        return _with_split(_join(name, index, images), folder / _SPLIT)
    except FileNotFoundError as error:
        if not folder.exists():
            raise _missing(name, folder) from error
        raise _damaged(name, folder, f"{Path(error.filename).name} is missing") from error
    except (EOFError, KeyError, TypeError, ValueError, OverflowError, RecursionError, UsageError) as error:
        raise _damaged(name, folder, str(error)) from error
    except OSError as error:
        reason = error.strerror or error
        raise ResourceError(f"cannot read the data set '{name}' in {printable(folder)}: {reason}") from error


def verify(name: str, root: Path | None = None) -> ImageSet:
    """Load the installed set `name` after reading and hashing every pixel.

    Raises:
        UsageError: `name` may not name a data set.
        ResourceError: The set is not installed or not what was written.
    """
    found = load(name, root)
    if hash_content(found.images, found.class_names, found.counts) != found.content_hash:
        raise _damaged(name, _folder(name, root), "its pixels are not those that were written")
    return found


def installed(root: Path | None = None) -> tuple[str, ...]:
    """Return the names of the sets on disk, sorted; whether they are sound is for `load` and `verify` to say."""
    folders = (path.parent.name for path in (root or data_dir()).glob(f"*/{_INDEX}"))
    return tuple(sorted(filter(is_name, folders)))


def _folder(name: str, root: Path | None) -> Path:
    return (root or data_dir()) / check_name(name)


def _write(image_set: ImageSet, folder: Path) -> None:
    folder.mkdir(mode=0o700)
    index = {
        "format": _FORMAT,
        "source": image_set.source,
        "content_hash": image_set.content_hash,
        "shape": list(image_set.images.shape),
        "class_names": list(image_set.class_names),
        "counts": image_set.counts.tolist(),
    }
    with _synced(folder / _IMAGES) as file:
        np.save(file, image_set.images, allow_pickle=False)
    with _synced(folder / _INDEX) as file:
        file.write(json.dumps(index, indent=0).encode())
    if image_set.split is not None:
        with _synced(folder / _SPLIT) as file:
            file.write(tomli_w.dumps(image_set.split.parts()).encode())
    sync_dir(folder)


@contextmanager
def _synced(path: Path) -> Iterator[BinaryIO]:
    with path.open("wb") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())


def _swap(workspace: Path, target: Path) -> None:
    for attempt in count():
        with suppress(FileNotFoundError):
            target.rename(workspace / f"old-{attempt}")
        try:
            (workspace / "new").rename(target)
        except OSError as error:
            # Another process put its set there between the two renames: move that one aside too.
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
        else:
            return


def _join(name: str, index: dict[str, Any], images: np.ndarray) -> ImageSet:
    if index["format"] != _FORMAT:
        raise ValueError(f"its format is {index['format']}, not {_FORMAT}")
    names = tuple(str(class_name) for class_name in index["class_names"])
    counts = np.array(index["counts"], dtype=np.int64)
    if complaint := _mismatch(images, names, counts):
        raise ValueError(complaint)
    if list(images.shape) != index["shape"]:
        raise ValueError(f"the array is {list(images.shape)} where the index says {index['shape']}")
    counts.flags.writeable = False
    return ImageSet(name, images, names, counts, str(index["source"]), str(index["content_hash"]))


def _with_split(image_set: ImageSet, path: Path) -> ImageSet:
    if not path.exists():
        return image_set
    split = read_split(path, OWN)
    class_indices(image_set, split)
    return replace(image_set, split=split)


def _mismatch(images: np.ndarray, class_names: tuple[str, ...], counts: np.ndarray) -> str | None:
    if images.dtype != np.uint8 or images.ndim != 4:
        return f"pictures are {images.dtype} with {images.ndim} dimensions, not uint8 with 4"
    if len(set(class_names)) != len(class_names):
        return "a class name occurs twice"
    if counts.shape != (len(class_names),) or (counts < 1).any():
        return f"{len(class_names)} class names do not fit counts of shape {counts.shape}, each at least 1"
    if counts.sum() != len(images):
        return f"the counts add up to {counts.sum()} where there are {len(images)} pictures"
    return None


def _missing(name: str, folder: Path) -> ResourceError:
    otherwise = f"bring it in with `maml data import {name} PATH`; `maml data ls` shows what is there"
    remedy = data_set(name).install or otherwise
    return ResourceError(f"the data set '{name}' is not in {printable(folder.parent)}: {remedy}")


def _damaged(name: str, folder: Path, why: str) -> ResourceError:
    remedy = data_set(name).install or "delete that folder and make the set again"
    return ResourceError(
        f"the data set '{name}' in {printable(folder)} is damaged ({printable(why)}): {remedy}"
    )
