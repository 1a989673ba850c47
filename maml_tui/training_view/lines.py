"""Lines of text whose pieces have a role; a widget turns roles into styles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

Role = Literal["", "strong", "dim", "good", "warning", "bad"]
Line = tuple[tuple[str, Role], ...]
"""Pieces of text, each with its role."""


class Panel(NamedTuple):
    """What stands in a pane.

    Attributes:
        title: For its frame.
        lines: Its text.
    """

    title: str
    lines: Sequence[Line]


@dataclass(frozen=True)
class Part:
    """A part of a line that may be left out.

    Attributes:
        rank: Its right to room: the lowest stay longest.
        line: Its pieces.
    """

    rank: int
    line: Line


def text_of(line: Line) -> str:
    """Return the bare text of a line."""
    return "".join(text for text, _ in line)


def joined(lines: Sequence[Line], gap: str = "  ") -> Line:
    """Return lines one after the other, with a gap between."""
    pieces = [piece for line in lines for piece in ((gap, ""), *line)]
    return tuple(pieces[1:])


def fitted(parts: Sequence[Part], width: int, gap: str = "  ") -> Line:
    """Return the parts in their order as one line of at most `width` characters; the first in rank always stays."""
    kept = list(parts)
    while len(kept) > 1 and len(text_of(joined([part.line for part in kept], gap))) > width:
        kept.remove(max(kept, key=lambda part: part.rank))
    return joined([part.line for part in kept], gap)
