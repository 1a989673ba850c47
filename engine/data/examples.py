"""A few examples from a user's own files: pictures in class folders, or points in a CSV file."""

from __future__ import annotations

import csv
import io
import math
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from engine.data.listing import list_pictures
from engine.data.pictures import SUFFIXES, Form, decode
from engine.data.trees import FolderTree, Tree, open_tree
from engine.errors import UsageError
from engine.files import explain_os_errors, read_bounded
from engine.text import printable

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence


_MAX_CSV_BYTES = 2**26


class LabelledPictures(NamedTuple):
    """Pictures in classes.

    Attributes:
        images: `[examples, channels, size, size]` uint8.
        labels: `[examples]` int64, indices of `class_names`.
        class_names: The classes, sorted.
    """

    images: np.ndarray
    labels: np.ndarray
    class_names: tuple[str, ...]


class NamedPictures(NamedTuple):
    """Pictures to tell apart.

    Attributes:
        images: `[examples, channels, size, size]` uint8.
        files: The file of each.
        labels: The class each lies in the folder of, as an index; empty where some lie in no class's folder.
    """

    images: np.ndarray
    files: tuple[str, ...]
    labels: tuple[int, ...]


def read_support(path: Path, form: Form, ways: int) -> LabelledPictures:
    """Read the pictures of `ways` classes: a folder of class folders, or what else `list_pictures` knows.

    Raises:
        UsageError: There is nothing at `path`, or another number of classes.
        ResourceError: A picture cannot be read.
    """
    listing = list_pictures(path)
    names = tuple(dict.fromkeys(picture.class_name for picture in listing.pictures))
    if len(names) != ways:
        raise UsageError(
            f"{printable(path)} has {len(names)} class {'folder' if len(names) == 1 else 'folders'} with pictures, "
            f"but this model tells {ways} classes apart: give it {ways}"
        )
    labels = {picture.file: names.index(picture.class_name) for picture in listing.pictures}
    images = _read(listing.tree, list(labels), form)
    return LabelledPictures(images, np.array(list(labels.values())), names)


def read_queries(paths: Iterable[Path], form: Form, class_names: Sequence[str]) -> NamedPictures:
    """Read pictures: files, folders and archives of them.

    Raises:
        UsageError: There is nothing at a path, or there are no pictures.
        ResourceError: A picture cannot be read.
    """
    files: list[str] = []
    images = [_room(0, form)]
    for path in paths:
        tree = FolderTree(path.parent) if _is_picture(path.name) and path.is_file() else open_tree(path)
        names = [path.name] if tree.path != path else [name for name in tree.names() if _is_picture(name)]
        if not names:
            raise UsageError(f"{printable(path)} has no pictures: give a picture, or a folder of pictures")
        images.append(_read(tree, names, form))
        files += [str(tree.path / name) for name in names]
    labels = [_class_of(file, class_names) for file in files]
    known = tuple(label for label in labels if label is not None)
    return NamedPictures(np.concatenate(images), tuple(files), known if len(known) == len(files) else ())


def read_points(path: Path, columns: Collection[int]) -> np.ndarray:
    """Read the numbers of a CSV file, whose first line may be a heading: float64 `[lines, numbers of a line]`.

    Raises:
        UsageError: There is no such file, or a line is not finite numbers, as many as one of `columns`; names it.
        ResourceError: The file cannot be read.
    """
    if not path.is_file():
        raise UsageError(f"there is no file {printable(path)}: give a CSV file of points")
    with explain_os_errors(f"read {path}"):
        content = read_bounded(path, _MAX_CSV_BYTES)
    reader = csv.reader(io.StringIO(content.decode("utf-8-sig", errors="replace"), newline=""))
    points: list[list[float]] = []
    for cells in reader:
        values = [_number(cell) for cell in cells]
        if not cells or (reader.line_num == 1 and np.isnan(values).all()):
            continue  # an empty line, or the heading
        points.append(values)
        if not np.isfinite(np.array(values, np.float32)).all() or len(values) not in {*columns} & {
            len(points[0])
        }:
            wanted = " or ".join(map(str, columns))
            raise UsageError(
                f"{printable(path)}, line {reader.line_num}: it needs {wanted} finite numbers, as many as every line"
            )
    if not points:
        raise UsageError(f"{printable(path)} has no points: write one on each line, for example 1.5,-0.3")
    return np.array(points)


def _read(tree: Tree, files: Sequence[str], form: Form) -> np.ndarray:
    place = {file: number for number, file in enumerate(files)}
    images = _room(len(files), form)
    for file, content in tree.read(files):
        images[place[file]], _ = decode(content, f"'{tree.path / file}'", form)
    return images


def _room(count: int, form: Form) -> np.ndarray:
    return np.empty((count, form.channels, form.size, form.size), dtype=np.uint8)


def _is_picture(name: str) -> bool:
    return PurePosixPath(name).suffix.lower() in SUFFIXES


def _class_of(file: str, class_names: Sequence[str]) -> int | None:
    folder = f"/{PurePosixPath(file).parent}"
    fitting = (number for number, name in enumerate(class_names) if folder.endswith(f"/{name}"))
    return next(fitting, None)


def _number(cell: str) -> float:
    try:
        return float(cell)
    except ValueError:
        return math.nan
