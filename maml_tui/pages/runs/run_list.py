"""Runs as a table to move in, and the lines about the one under the cursor. Rows are made only while they are in sight.

Textual's DataTable makes every cell at once: with ten thousand runs each change of the filter would take two seconds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, NamedTuple

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from engine.errors import ResourceError
from engine.runs.checkpoints import read_pointer
from engine.runs.control import is_complete
from engine.text import printable
from maml_tui.plotting.grid import colour
from maml_tui.reports.contender import LETTERS
from maml_tui.reports.text_table import GAP, cell_width
from maml_tui.reports.wording import duration
from maml_tui.runs.event_text import STATE_SIGNS
from maml_tui.runs.listing import Listing, RunFacts
from maml_tui.runs.table import Column, best_value, columns_for

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from textual.events import Click, Resize

    from engine.runs.directory import RunDirectory

_MARGIN = 2  # cells before the first column, for the letter
_MAX_ID = 12


class _Row(NamedTuple):
    """What is painted in a line.

    Attributes:
        slot: Which letter stands before it; None for none.
        cells: A text for each column, as wide as the column.
        current: Whether the cursor is on it.
    """

    slot: int | None
    cells: tuple[str, ...]
    role: str
    current: bool


class RunList(ScrollView, can_focus=True, inherit_bindings=False):
    """A listing under a line of headings, with a cursor that stays on its run when rows move."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        *(f"run-list--{role}" for role in ("dim", "good", "warning", "bad")),
        "run-list--heading",
        "run-list--cursor",
    }
    DEFAULT_CSS: ClassVar[str] = """
    RunList {
        height: 1fr;
        overflow: hidden auto;
        background: transparent;
        scrollbar-size: 1 1;
        & > .run-list--heading { text-style: bold; color: $text-muted; }
        & > .run-list--cursor { background: $block-cursor-blurred-background; text-style: bold; }
        &:focus > .run-list--cursor { background: $block-cursor-background; color: $block-cursor-foreground; }
        &:ansi > .run-list--cursor { background: ansi_default; color: ansi_default; text-style: bold reverse; }
        & > .run-list--dim { color: $text-muted; }
        & > .run-list--good { color: $text-success; }
        & > .run-list--warning { color: $text-warning; }
        & > .run-list--bad { color: $text-error; }
    }
    """

    class Moved(Message):
        """The cursor was moved to another run."""

    class Chosen(Message):
        """A run was clicked twice."""

    def __init__(self) -> None:
        super().__init__()
        self._listing = Listing()
        self._selected: Sequence[RunDirectory] = ()
        self._signs = {state: sign for state, (sign, _) in STATE_SIGNS.items()}
        self._columns: tuple[Column, ...] = ()
        self._cursor = 0
        self._painted: dict[int, _Row | None] = {}

    @property
    def current(self) -> RunFacts | None:
        """The run that the cursor is on."""
        rows = self._listing.rows
        return rows[self._cursor] if self._cursor < len(rows) else None

    @property
    def page(self) -> int:
        """How many rows are in sight."""
        return max(1, self.size.height - 1)

    def show(self, listing: Listing, selected: Sequence[RunDirectory]) -> None:
        """Show other runs, or the same ones anew, and which of them are selected."""
        before, place = self.current, (self._cursor, len(self._listing.rows))
        self._listing, self._selected = listing, selected
        self._cursor = _place(listing, before.run if before else None, self._cursor)
        self.virtual_size = Size(0, len(listing.rows) + 1)
        self._lay_out()
        if place != (self._cursor, len(listing.rows)):
            self._keep_in_sight()
        self._repaint()

    def move(self, rows: int) -> None:
        """Move the cursor so many rows down, or up; not beyond the ends."""
        last = max(0, len(self._listing.rows) - 1)
        target = min(max(0, self._cursor + rows), last)
        if target != self._cursor:
            self._cursor = target
            self._keep_in_sight()
            self._repaint()
            self.post_message(self.Moved())

    def on_resize(self, _: Resize) -> None:
        """Choose the columns that have room now."""
        self._lay_out()
        self._keep_in_sight()

    def on_click(self, event: Click) -> None:
        """Put the cursor where it was clicked; a second click chooses the run."""
        offset = event.get_content_offset(self)
        if offset is not None and offset.y > 0 and self._row(offset.y):
            self.move(self.scroll_offset.y + offset.y - 1 - self._cursor)
            if event.chain == 2:
                self.post_message(self.Chosen())

    def render_line(self, y: int) -> Strip:
        """Return one line: the headings, then the rows in sight."""
        if y == 0:
            style = self.rich_style + self._style("heading")
            texts = [column.fit(column.heading) for column in self._columns]
            return self._strip([Segment(" " * _MARGIN + (" " * GAP).join(texts), style)])
        row = self._painted[y] = self._row(y)
        return self._strip(self._segments(row) if row else [])

    def _strip(self, segments: Iterable[Segment]) -> Strip:
        return Strip(segments).adjust_cell_length(self.size.width, self.rich_style)

    def _row(self, y: int) -> _Row | None:
        index = self.scroll_offset.y + y - 1
        if index >= len(self._listing.rows):
            return None
        facts = self._listing.rows[index]
        return _Row(
            slot=self._selected.index(facts.run) if facts.run in self._selected else None,
            cells=tuple(column.fit(column.cell(facts, self._listing)) for column in self._columns),
            role=STATE_SIGNS[facts.status.state][1],
            current=index == self._cursor,
        )

    def _segments(self, row: _Row) -> Iterator[Segment]:
        ground = self.rich_style + (self._style("cursor") if row.current else Style())
        yield self._letter(row, ground)
        for column, text in zip(self._columns, row.cells, strict=True):
            of_state = column.heading == "state" and row.role and not row.current
            yield Segment(text, ground + self._style(row.role) if of_state else ground)
            yield Segment(" " * GAP, ground)

    def _letter(self, row: _Row, ground: Style) -> Segment:
        if row.slot is None:
            return Segment(" " * _MARGIN, ground)
        ink = None if row.current else colour(row.slot)  # the cursor's own ground may have that colour
        return Segment(f"{LETTERS[row.slot]:<{_MARGIN}}", ground + Style(color=ink, bold=True))

    def _style(self, name: str) -> Style:
        return self.get_component_rich_style(f"run-list--{name}", partial=True)

    def _lay_out(self) -> None:
        """Choose the columns that have room."""
        longest = max((cell_width(printable(facts.run.id)) for facts in self._listing.rows), default=0)
        columns = columns_for(self.size.width - _MARGIN, min(longest, _MAX_ID), self._signs)
        shape = [(column.heading, column.width) for column in columns]
        if shape != [(column.heading, column.width) for column in self._columns]:
            self._columns = columns
            self._painted.clear()
            self.refresh()

    def _keep_in_sight(self) -> None:
        """Scroll so that the cursor can be seen, and no further than to the last row."""
        top = min(max(self.scroll_offset.y, self._cursor - self.page + 1), self._cursor)
        top = min(top, max(0, len(self._listing.rows) - self.page))
        if top != self.scroll_offset.y:
            self.scroll_to(y=top, animate=False, force=True)

    def _repaint(self) -> None:
        """Paint what has changed of the lines in sight."""
        for y in range(1, self.size.height):
            before, row = self._painted.get(y), self._row(y)
            if row != before:
                self.refresh(*self._changed(y, before, row))

    def _changed(self, y: int, before: _Row | None, row: _Row | None) -> Iterator[Region]:
        if before is None or row is None or before._replace(cells=row.cells) != row:
            yield Region(0, y, self.size.width, 1)
            return
        x = _MARGIN
        for column, old, new in zip(self._columns, before.cells, row.cells, strict=True):
            if old != new:
                yield Region(x, y, column.width, 1)
            x += column.width + GAP


def _place(listing: Listing, run: RunDirectory | None, otherwise: int) -> int:
    """Return where a run is listed; where it is not, the place it had, or the last one."""
    for index, facts in enumerate(listing.rows):
        if facts.run == run:
            return index
    return min(otherwise, max(0, len(listing.rows) - 1))


def describe(facts: RunFacts) -> tuple[str, ...]:
    """Return a few lines, the most important first. Reads the run's pointer to its checkpoint."""
    state = f"{printable(facts.run.id)} {facts.status.state}"
    reason = printable(facts.status.reason).rstrip(".")
    tags, note = facts.tags.tags, facts.tags.note
    return (
        _joined(state, _advice(facts), reason),  # what helps comes before the reason, which can be long
        _best_line(facts),
        _joined(f"tags: {', '.join(tags)}" if tags else "", note) or "no tags: t sets them, n writes a note",
        printable(facts.run.path),
    )


def _joined(*parts: str) -> str:
    return " · ".join(part for part in parts if part)


def _advice(facts: RunFacts) -> str:
    status = facts.status
    match status.state:
        case "running" | "warming-up" | "stopping":
            return "enter watches it"
        case "paused":
            return "r lets it go on"
        case "queued":
            return "r starts a worker if none is coming"
        case "done" if is_complete(status, status.iterations or 0, tested=facts.run.result.exists()):
            return "enter shows what it reached"
        case _:
            return _resume(facts)


def _resume(facts: RunFacts) -> str:
    try:
        saved = read_pointer(facts.run, "latest")
    except ResourceError as error:
        return str(error)
    return f"r resumes from iteration {saved.iteration:,}" if saved else "r starts it over: nothing was saved"


def _best_line(facts: RunFacts) -> str:
    status = facts.status
    metric = "" if status.metric == "accuracy" else " MSE"
    best = f"best{metric} {best_value(facts)} at iteration {status.best_iteration or 0:,}"
    parts = (
        printable(status.task),
        best if facts.best is not None else "",
        f"on {printable(status.device)} of {printable(status.host)}" if status.device else "",
        f"{duration(status.eta_seconds)} left" if status.state == "running" and status.eta_seconds else "",
    )
    return _joined(*parts) or "nothing is known of it yet"
