"""Reading the members of a zip or tar archive that somebody gave us: in memory, bounded, never onto the disk.

Nothing is extracted, so a member called `../x` or a link has nowhere to escape to; where such a member is asked for,
the archive is refused, because sound ones have none.
"""

from __future__ import annotations

import lzma
import os
import stat
import struct
import tarfile
import zipfile
import zlib
from contextlib import contextmanager
from functools import partial
from pathlib import PurePosixPath
from typing import IO, TYPE_CHECKING, NamedTuple

from engine.errors import MamlError, ResourceError
from engine.text import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MAX_MEMBERS = 1_000_000

# Pictures hardly compress; what grows more than this when it is unpacked holds no pictures.
_MAX_GROWTH = 200
_HARMLESS = 2**28  # bytes
_HTML = (b"<!doctype", b"<html", b"<head", b"<?xml")
_DAMAGE = (
    zipfile.BadZipFile,
    tarfile.TarError,
    lzma.LZMAError,
    zlib.error,
    EOFError,
    ValueError,
    struct.error,
    RuntimeError,
    IndexError,  # zipfile, of a member without a name
)


class Member(NamedTuple):
    """One file in an archive: its name there, and what is in it."""

    name: str
    content: bytes


class _Entry(NamedTuple):
    name: str
    is_file: bool
    size: int
    open: Callable[[], IO[bytes] | None]  # None only for what is no file


def read_members(file: IO[bytes], label: str, limit: Callable[[str], int]) -> Iterator[Member]:
    """Yield the members of a zip or a (compressed) tar that `limit` asks for, in the archive's order.

    Args:
        file: The archive, seekable.
        label: What to call it in an error.
        limit: Given a member's name, the most bytes it may have; 0 passes it over unread.

    Raises:
        ResourceError: It is no archive, it is damaged or cut short, it has too many members, or a member asked for
            is too large, is a link or leads outside, or all of them together grow as no pictures do.
    """
    with reading(label):
        for entry in _entries(file, label):
            if allowed := limit(entry.name):
                yield Member(entry.name, _read(entry, label, allowed))


def member_names(file: IO[bytes], label: str) -> list[str]:
    """Return the names of all members but folders; arguments and errors as for `read_members`, `limit` aside."""
    with reading(label):
        return [_checked(entry, label).name for entry in _entries(file, label)]


@contextmanager
def reading(label: str) -> Iterator[None]:
    """Turn what reading the file `label` can raise into one sentence.

    Raises:
        ResourceError: The file is damaged or cannot be read.
    """
    try:
        yield
    except MamlError:
        raise
    except _DAMAGE as error:
        raise ResourceError(
            f"{printable(label)} is damaged or was cut short ({printable(error)}): fetch it again"
        ) from error
    except OSError as error:
        raise ResourceError(
            f"cannot read {printable(label)} ({error.strerror or printable(error)})"
        ) from error


def read_bounded(file: IO[bytes], label: str, allowed: int) -> bytes:
    """Read all of `file` unless it is larger than `allowed` bytes.

    Raises:
        ResourceError: It is larger.
    """
    content = file.read(allowed + 1)
    if len(content) > allowed:
        raise ResourceError(f"{printable(label)} is larger than {allowed:,} bytes")
    return content


def looks_like_html(head: bytes) -> bool:
    """Tell whether a file that begins with `head` is a web page, as a redirected download is."""
    return head.lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith(_HTML)


def _entries(file: IO[bytes], label: str) -> Iterator[_Entry]:
    head = file.read(512)
    file.seek(0)
    if looks_like_html(head):
        raise ResourceError(
            f"{printable(label)} is an HTML page, not an archive: the download was probably redirected"
        )
    if head.startswith(b"PK"):
        entries = _zip_entries(file)
    elif head.startswith((b"\x1f\x8b", b"BZh", b"\xfd7zXZ")) or head[257:262] == b"ustar":
        entries = _tar_entries(file)
    else:
        raise ResourceError(f"{printable(label)} is neither a zip nor a tar archive")
    allowed = max(_HARMLESS, _MAX_GROWTH * file.seek(0, os.SEEK_END))
    file.seek(0)
    for number, entry in enumerate(entries):
        if number == MAX_MEMBERS:
            raise ResourceError(
                f"{printable(label)} has more than {MAX_MEMBERS:,} members: it is another archive"
            )
        allowed -= entry.size
        if allowed < 0:
            raise ResourceError(
                f"{printable(label)} unpacks to more than {_MAX_GROWTH} times its size: it holds no pictures"
            )
        yield entry


def _zip_entries(file: IO[bytes]) -> Iterator[_Entry]:
    with zipfile.ZipFile(file) as archive:
        for info in archive.infolist():
            if not info.is_dir():
                link = stat.S_ISLNK(info.external_attr >> 16)
                yield _Entry(info.filename, not link, info.file_size, partial(archive.open, info))


def _tar_entries(file: IO[bytes]) -> Iterator[_Entry]:
    with tarfile.open(fileobj=file) as archive:
        for info in archive:
            if not info.isdir():
                yield _Entry(info.name, info.isfile(), info.size, partial(archive.extractfile, info))


def _checked(entry: _Entry, label: str) -> _Entry:
    path = PurePosixPath(entry.name)
    if not entry.is_file or path.is_absolute() or ".." in path.parts:
        raise ResourceError(
            f"{printable(label)} has the member '{printable(entry.name)}', which is a link or leads outside: "
            "pack the files themselves"
        )
    return entry


def _read(entry: _Entry, label: str, allowed: int) -> bytes:
    file = _checked(entry, label).open()
    assert file is not None  # noqa: S101 - it is a file
    with file:
        return read_bounded(file, f"'{entry.name}' in {label}", allowed)
