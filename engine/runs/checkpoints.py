"""Checkpoints that survive being killed at any instant.

A data file is written whole under a name that carries its content's hash, and is never changed. Then a small pointer
(`latest.json`, `best.json`) is replaced to name it. Data files that no pointer names are removed last.
"""

from __future__ import annotations

import hashlib
import re
import time
from typing import TYPE_CHECKING, Literal, get_args

from pydantic import Field, ValidationError

from engine.errors import ResourceError
from engine.files import explain_os_errors, read_bounded, write_atomic
from engine.runs.events import Record
from engine.text import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from engine.runs.directory import RunDirectory

Label = Literal["latest", "best"]

_DATA_FILE = r"iter-[0-9]{8,}-[0-9a-f]{8}\.pt"
_LARGEST_POINTER = 4096


class CheckpointRecord(Record):
    """The contents of a pointer."""

    v: Literal[1] = Field(default=1, description="version of this format")
    file: str = Field(pattern=f"^{_DATA_FILE}$", description="name of the data file, in the same folder")
    sha256: str = Field(pattern="^[0-9a-f]{64}$", description="hash of its content")
    bytes: int = Field(ge=0, description="its size, bytes")
    iteration: int = Field(ge=0, description="meta-updates behind it")
    time: float = Field(description="when it was written, Unix seconds")


def save_checkpoint(
    run: RunDirectory,
    iteration: int,
    payload: bytes,
    labels: Iterable[Label],
    clock: Callable[[], float] = time.time,
) -> CheckpointRecord:
    """Write `payload` as the run's latest or best checkpoint, or both, and remove what it supersedes.

    Raises:
        ResourceError: It cannot be written; the checkpoints of before are still there.
    """
    folder = run.make_inside(run.checkpoints)
    digest = hashlib.sha256(payload).hexdigest()
    record = CheckpointRecord(
        file=f"iter-{iteration:08d}-{digest[:8]}.pt",
        sha256=digest,
        bytes=len(payload),
        iteration=iteration,
        time=clock(),
    )
    write_atomic(folder / record.file, payload)
    # Best before latest: killed between the two, a resumed run meets the same best again.
    for label in sorted(labels):
        write_atomic(folder / f"{label}.json", record.model_dump_json() + "\n")
    prune(run)
    return record


def read_pointer(run: RunDirectory, label: Label) -> CheckpointRecord | None:
    """Return what the run's `latest` or `best` checkpoint is, without reading it; None if there is none.

    Raises:
        ResourceError: The pointer cannot be read or understood.
    """
    path = run.checkpoints / f"{label}.json"
    with explain_os_errors(f"read {path}"):
        try:
            text = read_bounded(path, _LARGEST_POINTER)
        except FileNotFoundError:
            return None
    try:
        return CheckpointRecord.model_validate_json(text)
    except ValidationError as error:
        raise ResourceError(
            f"{printable(path)} is not a checkpoint pointer of this version: {_advice(label)}"
        ) from error


def load_checkpoint(run: RunDirectory, label: Label) -> tuple[CheckpointRecord, bytes]:
    """Return the `latest` or `best` checkpoint, its content verified.

    Raises:
        ResourceError: There is none, or it is missing or damaged.
    """
    record = read_pointer(run, label)
    if record is None:
        raise ResourceError(
            f"Run {printable(run.id)} has no {label} checkpoint: it ended before one was written."
        )
    path = run.checkpoints / record.file
    with explain_os_errors(f"read {path}"):
        try:
            intact = path.stat().st_size == record.bytes
            payload = path.read_bytes() if intact else b""
        except FileNotFoundError as error:
            if read_pointer(run, label) != record:  # a live worker has moved on meanwhile
                return load_checkpoint(run, label)
            raise ResourceError(f"{printable(path)} is missing: {_advice(label)}") from error
    if not intact or hashlib.sha256(payload).hexdigest() != record.sha256:
        raise ResourceError(
            f"{printable(path)} is damaged, its content is not what was saved: {_advice(label)}"
        )
    return record, payload


def prune(run: RunDirectory) -> None:
    """Remove data files that no pointer names. An unreadable pointer might name any of them: keep all.

    Raises:
        ResourceError: One cannot be removed.
    """
    try:
        named = {pointer.file for label in get_args(Label) if (pointer := read_pointer(run, label))}
    except ResourceError:
        return
    with explain_os_errors(f"remove old checkpoints in {run.checkpoints}"):
        for path in run.checkpoints.iterdir():
            if re.fullmatch(_DATA_FILE, path.name) and path.name not in named:
                path.unlink(missing_ok=True)


def _advice(label: Label) -> str:
    other = "best" if label == "latest" else "latest"
    return f"use the {other} checkpoint, or train anew."
