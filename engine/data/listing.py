"""Which file is a picture of which class: read from the folders that the files lie in, or from CSV files.

**Folders.** A picture's class is the folder it lies in, with the folders above it down from the one that all have in
common (`birds/owl`). Where the topmost are train, val (or valid, validation) and test, they say which part each
class belongs to and are no part of its name.

**CSV.** A file with a header that names a column of files (path, file, filename or image) and one of classes (label or
class). The files lie beside it, in `images` beside it, or in `<part>/<class>`. Where a folder or archive holds one
such file, or train.csv, val.csv and test.csv, these count and its folders do not.
"""

from __future__ import annotations

import csv
import io
import os
import unicodedata
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

from engine.data.pictures import SUFFIXES
from engine.data.trees import FolderTree, Tree, open_tree
from engine.errors import ResourceError, UsageError
from engine.text import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


_PARTS = {"train": "train", "val": "val", "valid": "val", "validation": "val", "test": "test"}
_FILE_COLUMNS, _CLASS_COLUMNS = ("path", "file", "filename", "image"), ("label", "class")


class Labelled(NamedTuple):
    """A picture's file in the tree, and its class.

    Attributes:
        part: `train`, `val` or `test` where the layout says so (it does for all or none), else empty.
    """

    file: str
    class_name: str
    part: str = ""


class Listing(NamedTuple):
    """The pictures of a folder or archive.

    Attributes:
        pictures: Which there are, sorted by class and file.
        passed_over: Names of files that are no pictures, or in no class.
    """

    tree: Tree
    pictures: tuple[Labelled, ...]
    passed_over: tuple[str, ...]


class _Table(NamedTuple):
    name: str
    label: str
    rows: tuple[tuple[str, str], ...]  # (file, class)


def list_pictures(path: Path) -> Listing:
    """Find the pictures at `path`: a folder, a zip or tar archive, or a CSV file.

    Raises:
        UsageError: There is nothing at `path`.
        ResourceError: It cannot be read, or has no pictures of a class; a CSV file names what is not there, or one
            file twice; or only some of train, val and test are there.
    """
    if path.suffix.lower() == ".csv" and path.is_file():
        folder = FolderTree(path.parent)
        table = _table(folder, path.name, printable(path))
        if table is None:
            raise UsageError(
                f"{printable(path)} has no header with the columns path and label: add the line `path,label`"
            )
        return _listing(path, folder, _from_tables([table], folder.has), ())
    tree = open_tree(path)
    names = tree.names()
    if tables := _tables(tree, names):
        return _listing(path, tree, _from_tables(tables, set(names).__contains__), ())
    pictures = _from_folders([name for name in names if PurePosixPath(name).suffix.lower() in SUFFIXES], path)
    return _listing(path, tree, pictures, sorted(set(names) - {picture.file for picture in pictures}))


def _listing(path: Path, tree: Tree, pictures: Sequence[Labelled], passed_over: Sequence[str]) -> Listing:
    if not pictures:
        raise ResourceError(
            f"{printable(path)} has no pictures in class folders: a picture's class is the folder it lies in, or "
            "what a CSV file with the columns path and label says"
        )
    names: dict[str, str] = {}
    files: set[str] = set()
    for picture in pictures:
        name = _plain_name(picture.class_name)
        if names.setdefault(name, picture.class_name) != picture.class_name:
            raise ResourceError(
                f"{printable(path)} has two classes that both look like '{printable(name)}': rename one"
            )
        if picture.file in files:
            raise ResourceError(
                f"{printable(path)} has '{printable(picture.file)}' twice: keep one of the two"
            )
        files.add(picture.file)
    named = (picture._replace(class_name=_plain_name(picture.class_name)) for picture in pictures)
    return Listing(tree, tuple(sorted(named, key=lambda p: (p.class_name, p.file))), tuple(passed_over))


def _plain_name(class_name: str) -> str:
    """Return the name as it would be typed: composed letters, no space around it."""
    plain = unicodedata.normalize("NFC", class_name).strip() or class_name
    try:
        plain.encode()
    except UnicodeEncodeError as error:
        raise ResourceError(
            f"the class '{printable(class_name)}' is not named in UTF-8: rename it"
        ) from error
    return plain


def _from_folders(files: Sequence[str], path: Path) -> list[Labelled]:
    folders = {PurePosixPath(file).parent for file in files} - {PurePosixPath()}
    above = _in_common(folders)
    below = {folder: folder.relative_to(above).parts for folder in folders}
    split = _tops_are_parts({parts[0].lower() for parts in below.values()}, path)
    pictures = []
    for file in files:
        parts = below.get(PurePosixPath(file).parent, ())
        class_name = "/".join(parts[1:] if split else parts)
        if class_name:
            pictures.append(Labelled(file, class_name, _PARTS[parts[0].lower()] if split else ""))
    return pictures


def _tops_are_parts(tops: set[str], path: Path) -> bool:
    if not tops or tops - _PARTS.keys():
        return False
    if missing := set(_PARTS.values()) - {_PARTS[top] for top in tops}:
        raise ResourceError(
            f"{printable(path)} has the top folders {', '.join(sorted(tops))} but none for "
            f"{' and '.join(sorted(missing))}: a split needs train, val and test, or none of them"
        )
    return True


def _in_common(folders: set[PurePosixPath]) -> PurePosixPath:
    """Return the lowest folder above all of `folders`."""
    if not folders:
        return PurePosixPath()
    common = PurePosixPath(os.path.commonpath(folders))
    return common.parent if common in folders else common


def _tables(tree: Tree, names: Sequence[str]) -> list[_Table]:
    top = min((len(PurePosixPath(name).parts) for name in names), default=0)
    candidates = [name for name in names if name.lower().endswith(".csv") and name.count("/") == top - 1]
    labels = {name: f"'{printable(name)}' in {printable(tree.path)}" for name in candidates}
    tables = [table for name, label in labels.items() if (table := _table(tree, name, label)) is not None]
    by_part = [table for table in tables if _part(table)]
    if {_part(table) for table in by_part} == set(_PARTS.values()):
        return by_part
    if len(tables) > 1:
        raise ResourceError(
            f"{printable(tree.path)} has several lists of pictures ({', '.join(printable(t.name) for t in tables)}): "
            "keep one, or train.csv, val.csv and test.csv"
        )
    return tables


def _part(table: _Table) -> str:
    return _PARTS.get(PurePosixPath(table.name).stem.lower(), "")


def _table(tree: Tree, name: str, label: str) -> _Table | None:
    """Read a CSV file, called `label` in errors; None where its header does not name files and classes."""
    (member,) = tree.read([name])
    try:
        reader = csv.DictReader(io.StringIO(member.content.decode("utf-8-sig"), newline=""))
        columns = {column.strip().lower(): column for column in reader.fieldnames or ()}
        file_column, class_column = (
            next((columns[name] for name in known if name in columns), None)
            for known in (_FILE_COLUMNS, _CLASS_COLUMNS)
        )
        if file_column is None or class_column is None:
            return None
        rows = []
        for row in reader:
            if not row[file_column] or not row[class_column]:
                raise ResourceError(f"{label}, line {reader.line_num}: it needs a file and a class")
            rows.append((row[file_column], row[class_column]))
    except (UnicodeDecodeError, csv.Error) as error:
        raise ResourceError(f"{label} is no CSV file in UTF-8 ({printable(error)})") from error
    return _Table(name, label, tuple(rows))


def _from_tables(tables: Sequence[_Table], has: Callable[[str], bool]) -> list[Labelled]:
    split = len(tables) > 1
    pictures = []
    for table in tables:
        part = _part(table) if split else ""
        folder = PurePosixPath(table.name).parent
        for file, class_name in table.rows:
            places = (folder / file, folder / "images" / file, folder / part / class_name / file)
            found = next((str(place) for place in places if has(str(place))), None)
            if found is None:
                raise ResourceError(f"{table.label} names '{printable(file)}', which is not there")
            pictures.append(Labelled(found, class_name, part))
    return pictures
