"""Which records of a journal are kept when it has grown too long."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field, ValidationError

from engine.runs.events import Record

if TYPE_CHECKING:
    from collections.abc import Sequence

_MANY = ("train", "checkpoint", "evaluation")
"""The kinds of which a long run has many, and nobody needs all."""


class _Seen(Record):
    """What decides whether a record is kept."""

    kind: str
    seq: int = Field(ge=0)
    split: str = ""
    improved: bool | None = None

    @property
    def dispensable(self) -> bool:
        return self.kind in _MANY and not self.improved and self.split in ("", "val")


def thin(lines: Sequence[bytes], room: int) -> list[bytes]:
    """Return the lines of a journal that are kept in `room` bytes, in their order.

    Of old meta-updates, checkpoints and validations without gain, one of each kind in every 2, 4, 8, ... numbers of
    records stays, so that all of a run is told equally densely however often its journal was thinned. The first line
    stays, by which readers know the journal again; so does the newest quarter, which they may not have read yet.
    Only if that is not enough, the oldest of all other records go.

    Args:
        lines: The journal, without newlines.
        room: Bytes that lines and newlines may take together; a first and a last line stay in any case.
    """
    sizes = [len(line) + 1 for line in lines]
    excess = sum(sizes) - room
    spare = {
        number: seen
        for number in range(1, _first_of_the_newest(sizes, room // 4))
        if (seen := _look_at(lines[number])) and seen.dispensable
    }
    dropped: set[int] = set()
    width = 1
    while excess > 0 and len(spare) > len(_MANY):
        width *= 2
        last = {(seen.kind, seen.seq // width): number for number, seen in spare.items()}
        gone = spare.keys() - last.values()
        excess -= sum(sizes[number] for number in gone)
        dropped |= gone
        spare = {number: spare[number] for number in last.values()}
    kept = [number for number in range(len(lines)) if number not in dropped]
    oldest = 1
    while excess > 0 and oldest < len(kept) - 1:
        excess -= sizes[kept[oldest]]
        oldest += 1
    return [lines[number] for number in kept[:1] + kept[oldest:]]


def _first_of_the_newest(sizes: Sequence[int], room: int) -> int:
    """Return the number of the first line of those that fill `room` from the end."""
    for number in range(len(sizes) - 1, -1, -1):
        room -= sizes[number]
        if room < 0:
            return number + 1
    return 0


def _look_at(line: bytes) -> _Seen | None:
    try:
        return _Seen.model_validate_json(line)
    except ValidationError:
        return None
