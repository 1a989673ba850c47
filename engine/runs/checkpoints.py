"""Checkpoints that survive being killed at any instant.

A data file is written whole under a name that carries its content's hash, and is never changed. Then a small pointer
(`latest.json`, `best.json`) is replaced to name it. Data files that no pointer names are removed last. Where a run
keeps several of its best, `best.json` names them all: they change places in one stroke.
"""

from __future__ import annotations

import hashlib
import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeVar

from pydantic import Field

from engine.errors import ResourceError
from engine.files import explain_os_errors, write_atomic
from engine.runs.events import Record, optional, read_json
from engine.text import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from engine.runs.directory import RunDirectory

Label = Literal["latest", "best"]

_DATA_FILE = r"iter-[0-9]{8,}-[0-9a-f]{8}\.pt"
_MAX_POINTER_BYTES = 4096


class CheckpointRecord(Record):
    """The contents of a pointer."""

    v: Literal[1] = Field(default=1, description="version of this format")
    file: str = Field(pattern=f"^{_DATA_FILE}$", description="name of the data file, in the same folder")
    sha256: str = Field(pattern="^[0-9a-f]{64}$", description="hash of its content")
    bytes: int = Field(ge=0, description="its size, bytes")
    iteration: int = Field(ge=0, description="meta-updates behind it")
    time: float = Field(description="when it was written, Unix seconds")


class RankedRecord(CheckpointRecord):
    """One of the best."""

    value: float | None = optional(
        "its metric on the validation tasks; null from versions that kept one only"
    )


class BestRecord(RankedRecord):
    """The contents of `best.json`."""

    runners_up: tuple[RankedRecord, ...] = Field(
        default=(), description="the next best that are kept, in order"
    )


_Pointer = TypeVar("_Pointer", bound=CheckpointRecord)


@dataclass(frozen=True)
class Standing:
    """Where a checkpoint stands among the best on validation.

    Attributes:
        value: Its metric on the validation tasks; None if that is not known.
        better: Those before it, best first.
        worse: Those after it that are kept.
    """

    value: float | None = None
    better: tuple[RankedRecord, ...] = ()
    worse: tuple[RankedRecord, ...] = ()


def save_checkpoint(
    run: RunDirectory,
    iteration: int,
    payload: bytes,
    labels: Iterable[Label],
    clock: Callable[[], float] = time.time,
    standing: Standing | None = None,
) -> CheckpointRecord:
    """Write `payload` as the run's latest or best checkpoint, or both, and remove what it supersedes.

    Args:
        standing: Where it stands among the best, if it is one of them; None for the only one that is kept.

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
        pointer = record if label == "latest" else _best(record, standing or Standing())
        write_atomic(folder / f"{label}.json", pointer.model_dump_json() + "\n")
    prune(run)
    return record


def _best(record: CheckpointRecord, standing: Standing) -> BestRecord:
    itself = RankedRecord(**record.model_dump(), value=standing.value)
    ranking = (*standing.better, itself, *standing.worse)
    return BestRecord(**ranking[0].model_dump(), runners_up=ranking[1:])


def read_pointer(run: RunDirectory, label: Label) -> CheckpointRecord | None:
    """Return what the run's `latest` or `best` checkpoint is, without reading it; None if there is none.

    Raises:
        ResourceError: The pointer cannot be read or understood.
    """
    return _read(run, label, CheckpointRecord)


def read_ranking(run: RunDirectory) -> tuple[RankedRecord, ...]:
    """Return the best checkpoints that are kept, best first, without reading them.

    Raises:
        ResourceError: The pointer cannot be read or understood.
    """
    best = _read(run, "best", BestRecord)
    if best is None:
        return ()
    return RankedRecord(**best.model_dump(exclude={"runners_up"})), *best.runners_up


def _read(run: RunDirectory, label: Label, kind: type[_Pointer]) -> _Pointer | None:
    return read_json(run.checkpoints / f"{label}.json", kind, _MAX_POINTER_BYTES, _advice(label))


def load_checkpoint(run: RunDirectory, label: Label) -> tuple[CheckpointRecord, bytes]:
    """Return the `latest` or `best` checkpoint, its content verified.

    Raises:
        ResourceError: There is none, or it is missing or damaged.
    """

    def find() -> list[CheckpointRecord]:
        pointer = read_pointer(run, label)
        return [pointer] if pointer else []

    if loaded := _load(run, label, find):
        return loaded[0]
    why = {
        "latest": "it ended before one was written",
        "best": "it has not been validated, so take the latest",
    }
    raise ResourceError(f"Run {printable(run.id)} has no {label} checkpoint: {why[label]}.")


def load_best(run: RunDirectory, count: int) -> list[tuple[CheckpointRecord, bytes]]:
    """Return the `count` best checkpoints, best first, their contents verified; fewer where fewer are kept.

    Raises:
        ResourceError: One is missing or damaged.
    """
    return _load(run, "best", lambda: read_ranking(run)[:count])


def _load(
    run: RunDirectory, label: Label, find: Callable[[], Sequence[CheckpointRecord]]
) -> list[tuple[CheckpointRecord, bytes]]:
    loaded = []
    records = find()
    for record in records:
        payload = _payload(run, record, label)
        if payload is None:
            if find() != records:  # a live worker has moved on meanwhile
                return _load(run, label, find)
            raise ResourceError(f"{printable(run.checkpoints / record.file)} is missing: {_advice(label)}")
        loaded.append((record, payload))
    return loaded


def _payload(run: RunDirectory, record: CheckpointRecord, label: Label) -> bytes | None:
    """Return the verified content of a data file; None if it is not there."""
    path = run.checkpoints / record.file
    with explain_os_errors(f"read {path}"):
        try:
            intact = path.stat().st_size == record.bytes
            payload = path.read_bytes() if intact else b""
        except FileNotFoundError:
            return None
    if not intact or hashlib.sha256(payload).hexdigest() != record.sha256:
        raise ResourceError(
            f"{printable(path)} is damaged, its content is not what was saved: {_advice(label)}"
        )
    return payload


def prune(run: RunDirectory) -> None:
    """Remove data files that no pointer names. An unreadable pointer might name any of them: keep all.

    Raises:
        ResourceError: One cannot be removed.
    """
    try:
        latest = read_pointer(run, "latest")
        named = {pointer.file for pointer in (latest, *read_ranking(run)) if pointer}
    except ResourceError:
        return
    with explain_os_errors(f"remove old checkpoints in {run.checkpoints}"):
        for path in run.checkpoints.iterdir():
            if re.fullmatch(_DATA_FILE, path.name) and path.name not in named:
                path.unlink(missing_ok=True)


def _advice(label: Label) -> str:
    other = "best" if label == "latest" else "latest"
    return f"use the {other} checkpoint, or train anew."
