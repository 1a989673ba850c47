"""Files: written so that a reader, or a crash, never finds half of one; read within bounds; kept open."""

from __future__ import annotations

import errno
import os
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Self

from engine.errors import ResourceError
from engine.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

_LOG_TAIL = 4096
_REMEDIES = {
    errno.ENOSPC: "the disk is full; free some space and try again",
    errno.EDQUOT: "your disk quota is used up; free some space and try again",
    errno.EROFS: "the file system is read-only; choose another place with MAML_STATE_DIR",
    errno.EACCES: "permission is denied; check who owns it, or choose another place with MAML_STATE_DIR",
    errno.EPERM: "permission is denied; check who owns it, or choose another place with MAML_STATE_DIR",
    errno.EMFILE: "too many files are open; raise `ulimit -n`",
    errno.EIO: "the disk reports an input/output error; check it before you trust this run",
}


@contextmanager
def explain_os_errors(doing: str) -> Iterator[None]:
    """Turn an `OSError` inside the block into one sentence.

    Args:
        doing: What was attempted, as it follows "Cannot": `"write runs/7f3a/status.json"`.

    Raises:
        ResourceError: Whenever the block raises an `OSError`.
    """
    try:
        yield
    except OSError as error:
        reason = _REMEDIES.get(error.errno or 0) or (error.strerror or str(error)).lower()
        raise ResourceError(f"Cannot {printable(doing)}: {reason}.") from error


class OpenFile:
    """Keeps a file open, by its descriptor, until `close` or the end of a `with` block."""

    _file: int

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def private_dir(path: Path) -> Path:
    """Make `path` and its parents where missing, readable by their owner only (0700).

    Raises:
        ResourceError: The folder cannot be made.
    """
    with explain_os_errors(f"make the folder {path}"):
        for folder in (*reversed(path.parents), path):
            if not folder.is_dir():
                folder.mkdir(mode=0o700, exist_ok=True)
    return path


def write_atomic(path: Path, content: bytes | str) -> None:
    """Replace `path` by `content` (text as UTF-8), durably: a reader sees the old file or the new one.

    Raises:
        ResourceError: The file cannot be written; `path` is as it was.
    """
    data = content.encode() if isinstance(content, str) else content
    with explain_os_errors(f"write {path}"):
        descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
        sync_dir(path.parent)


def remove(path: Path) -> None:
    """Remove a file, if it is there.

    Raises:
        ResourceError: It cannot be removed.
    """
    with explain_os_errors(f"remove {path}"):
        path.unlink(missing_ok=True)


def read_bounded(path: Path, limit: int) -> bytes:
    """Read a file that ought to be small.

    Raises:
        OSError: It cannot be read, or is larger than `limit` bytes (`EFBIG`).
    """
    with path.open("rb") as file:
        data = file.read(limit + 1)
    if len(data) > limit:
        raise OSError(errno.EFBIG, f"it is larger than {limit} bytes")
    return data


def last_line(log: IO[bytes]) -> str:
    """Return the last line with text in it of what a process printed."""
    log.seek(max(0, log.seek(0, os.SEEK_END) - _LOG_TAIL))
    lines = log.read().decode(errors="replace").split("\n")
    return next((printable(line.strip()) for line in reversed(lines) if line.strip()), "it left no message")


def sync_dir(path: Path) -> None:
    """Make the names in a folder outlast a power cut.

    Raises:
        OSError: The folder cannot be opened or synced.
    """
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
