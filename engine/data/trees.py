"""Folders and archives of files, seen alike: which files there are, and what is in the ones asked for.

Hidden files and what macOS adds to archives are not seen. A link is never followed out of a folder, and nothing of
an archive is written to the disk.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, TypeAlias

from engine.data.archives import Member, member_names, read_bounded, read_members, reading
from engine.errors import ResourceError, UsageError
from engine.text import printable

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

_MAX_FILE = 2**27


@dataclass(frozen=True)
class FolderTree:
    """The files of a folder."""

    path: Path

    def names(self) -> list[str]:
        """Return the names of all files, `/` between their parts, sorted.

        Raises:
            ResourceError: The folder cannot be read, or has a link.
        """
        with reading(str(self.path)):
            return sorted(path.relative_to(self.path).as_posix() for path in self._walk())

    def has(self, name: str) -> bool:
        """Tell whether there is a file of that name."""
        return (self.path / name).is_file()

    def read(self, wanted: Collection[str]) -> Iterator[Member]:
        """Yield the files called `wanted`.

        Raises:
            ResourceError: One cannot be read, is larger than 128 MiB or leads outside.
        """
        root = self.path.resolve()
        for name in wanted:
            path = self.path / name
            with reading(str(path)):
                if not path.resolve().is_relative_to(root):
                    raise ResourceError(
                        f"{printable(path)} leads out of {printable(self.path)}: put the file itself there"
                    )
                with path.open("rb") as file:
                    content = read_bounded(file, str(path), _MAX_FILE)
            yield Member(name, content)

    def _walk(self) -> Iterator[Path]:
        for folder, folders, files in os.walk(self.path, onerror=_raise):
            folders[:] = filter(_is_shown, folders)
            for path in (Path(folder, name) for name in (*folders, *filter(_is_shown, files))):
                if path.is_symlink():
                    raise ResourceError(f"{printable(path)} is a link: put there what it leads to")
                if path.is_file():
                    yield path


@dataclass(frozen=True)
class ArchiveTree:
    """The members of a zip or tar archive."""

    path: Path

    def names(self) -> list[str]:
        """See `FolderTree.names`; here a member may lead outside, which is an error too."""
        with reading(str(self.path)), self.path.open("rb") as file:
            names = [str(PurePosixPath(name)) for name in member_names(file, str(self.path))]
        return sorted(name for name in names if all(map(_is_shown, PurePosixPath(name).parts)))

    def read(self, wanted: Collection[str]) -> Iterator[Member]:
        """See `FolderTree.read`; in the archive's order."""
        with reading(str(self.path)), self.path.open("rb") as file:
            limit = dict.fromkeys(wanted, _MAX_FILE)
            members = read_members(file, str(self.path), lambda name: limit.get(str(PurePosixPath(name)), 0))
            for member in members:
                yield Member(str(PurePosixPath(member.name)), member.content)


Tree: TypeAlias = FolderTree | ArchiveTree


def open_tree(path: Path) -> Tree:
    """Return the folder or archive at `path` as a tree.

    Raises:
        UsageError: There is nothing at `path`.
    """
    if not path.exists():
        raise UsageError(f"there is nothing at {printable(path)}: give a folder or an archive of pictures")
    return FolderTree(path) if path.is_dir() else ArchiveTree(path)


def _is_shown(name: str) -> bool:
    return not name.startswith(".") and name != "__MACOSX"


def _raise(error: OSError) -> None:
    raise error
