"""The moment that is shown: a run as it is now, and what is needed to draw it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from engine.runs.control import is_complete
from engine.runs.events import LIVE_STATES
from maml_tui.reports.text_table import cell_width
from maml_tui.runs.event_text import Role

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.runs.status import Status, Telemetry
    from maml_tui.plotting import Charset
    from maml_tui.runs.watch import RunWatch


Line = tuple[tuple[str, Role], ...]
"""Pieces of text, each with its role."""


class Panel(NamedTuple):
    """What stands in a pane: the title of its frame, and its text."""

    title: str
    lines: Sequence[Line]


@dataclass(frozen=True)
class Part:
    """A part of a line that may be left out; the lowest in rank stay longest."""

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
    """Return the parts in their order as one line of at most `width` cells; the first in rank always stays."""
    kept = list(parts)
    while len(kept) > 1 and cell_width(text_of(joined([part.line for part in kept], gap))) > width:
        kept.remove(max(kept, key=lambda part: part.rank))
    return joined([part.line for part in kept], gap)


_SILENT_AFTER = 5.0


@dataclass(frozen=True)
class Scene:
    """A run at a moment.

    Attributes:
        now: Unix seconds.
        machine: What the worker's machine was doing, the newest last.
    """

    watch: RunWatch
    now: float
    charset: Charset
    machine: Sequence[Telemetry] = ()

    @property
    def status(self) -> Status:
        """Where the run stands."""
        return self.watch.status

    @property
    def iterations(self) -> int:
        """Meta-iterations in total."""
        return self.watch.config.training.iterations

    @property
    def done(self) -> float:
        """The share of the meta-iterations that are done, 0 to 1 and more if it was shortened."""
        return self.status.iteration / self.iterations

    @property
    def live(self) -> bool:
        """Whether a worker is at it."""
        return self.status.state in LIVE_STATES

    @property
    def silence(self) -> float | None:
        """Seconds without a sign of life from a live run, where that is worth telling; else None."""
        seconds = self.now - self.status.heartbeat
        return seconds if self.live and seconds > _SILENT_AFTER else None

    @property
    def measuring(self) -> float | None:
        """The share of the final measurement that is done while it is being made; else None."""
        return self.status.measured if self.live else None

    @property
    def validating(self) -> float | None:
        """The share of a validation that is done while it is being made; else None."""
        return self.status.validated if self.live else None


def resumable(watch: RunWatch) -> bool:
    """Return whether the run has no worker and a new one would find something to do."""
    status, iterations = watch.status, watch.config.training.iterations
    return status.state not in LIVE_STATES and not is_complete(
        status, iterations, tested=watch.result is not None
    )


def ago(seconds: float) -> str:
    """Write how long ago something was, coarsely: `12 s`, `4 m`, `3 h`, `2 d`."""
    for unit, length in (("d", 86_400), ("h", 3600), ("m", 60)):
        if seconds >= length:
            return f"{seconds // length:.0f} {unit}"
    return f"{max(0.0, seconds):.0f} s"
