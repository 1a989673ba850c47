"""Requests to a run's worker: one small file each, which the worker removes once its answer is in the journal."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pydantic import ValidationError, model_validator

from engine.errors import UsageError
from engine.files import explain_os_errors, read_bounded, remove, write_atomic
from engine.runs.events import Record
from engine.text import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from engine.runs.directory import RunDirectory

Verb = Literal["pause", "resume", "checkpoint", "evaluate", "stop"]

StopMode = Literal["graceful", "now"]
"""`graceful`: finish the iteration, checkpoint, evaluate. `now`: checkpoint and end."""

_MAX_BYTES = 4096


class _Body(Record):
    v: Literal[1] = 1
    verb: Verb
    mode: StopMode | None = None

    @model_validator(mode="after")
    def _mode_belongs_to_stop(self) -> _Body:
        if (self.mode is None) == (self.verb == "stop"):
            raise ValueError("'stop', and nothing else, has a mode")
        return self


@dataclass(frozen=True)
class _InControlFolder:
    """A file in the control folder."""

    path: Path

    @property
    def id(self) -> str:
        """Its name without the ending, control characters escaped; of a request, what `send_request` returned."""
        return printable(self.path.stem)


@dataclass(frozen=True)
class Request(_InControlFolder):
    """A request that has not been answered yet."""

    verb: Verb
    mode: StopMode | None


@dataclass(frozen=True)
class MalformedRequest(_InControlFolder):
    """A file in the control folder that is not a request. The worker refuses it."""

    reason: str


def send_request(
    run: RunDirectory, verb: Verb, mode: StopMode | None = None, clock: Callable[[], int] = time.time_ns
) -> str:
    """Write a request for the run's worker.

    Args:
        mode: How to stop; required with `stop`, None with other verbs.

    Returns:
        The id that the answer in the journal carries. Ids sort by time.

    Raises:
        UsageError: The mode does not fit the verb.
        ResourceError: The request cannot be written.
    """
    try:
        body = _Body(verb=verb, mode=mode)
    except ValidationError as error:
        raise UsageError(
            f"Invalid request {verb!r} with mode {mode!r}: 'stop', and nothing else, has a mode."
        ) from error
    identity = f"{clock():020d}-{secrets.token_hex(4)}"
    write_atomic(run.make_inside(run.control) / f"{identity}.json", body.model_dump_json())
    return identity


def pending(run: RunDirectory) -> list[Request | MalformedRequest]:
    """Return the requests without an answer, oldest first. Folders, links and hidden files are ignored.

    Raises:
        ResourceError: The control folder cannot be read.
    """
    with explain_os_errors(f"read {run.control}"):
        if not run.control.is_dir():
            return []
        files = sorted(path for path in run.control.iterdir() if _is_request_file(path))
        return [item for path in files for item in _read(path)]


def acknowledge(item: Request | MalformedRequest) -> None:
    """Remove a request whose answer is in the journal.

    Raises:
        ResourceError: The file cannot be removed.
    """
    remove(item.path)


def _is_request_file(path: Path) -> bool:
    return not path.name.startswith(".") and path.is_file() and not path.is_symlink()


def _read(path: Path) -> Iterator[Request | MalformedRequest]:
    try:
        body = _Body.model_validate_json(read_bounded(path, _MAX_BYTES))
        yield Request(path, body.verb, body.mode)
    except FileNotFoundError:
        return
    except OSError as error:
        yield MalformedRequest(path, f"it cannot be read: {error.strerror}")
    except ValidationError:
        yield MalformedRequest(path, "it is not a request that this version understands")
