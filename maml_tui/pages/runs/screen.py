"""Runs: a table of all runs or those that match a query, and the keys that act on one."""

from __future__ import annotations

import asyncio
import math
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from textual import on
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Input, Static

from engine.errors import UsageError
from engine.paths import runs_dir
from engine.runs.events import LIVE_STATES
from engine.runs.index import remove_run
from engine.runs.status import current_status
from engine.runs.tags import change_tags, read_tags, write_tags
from engine.text import printable
from maml_tui.pages.page import notify_errors
from maml_tui.pages.run_control import RunControlPage
from maml_tui.pages.runs.run_list import RunList, describe
from maml_tui.reports.contender import LETTERS
from maml_tui.runs.listing import ORDERS, Library, Listing, RunFacts, arrange
from maml_tui.runs.query import QueryError, parse_query
from maml_tui.widgets.dialogs import ConfirmDialog, TextDialog
from maml_tui.widgets.lazy_static import LazyStatic

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from engine.runs.directory import RunDirectory

_MIN_PERIOD, _MAX_PERIOD = 1.0, 20.0  # seconds between two readings of all runs
# The next reading comes so many times later than the last one took: many runs keep no core busy.
_PATIENCE = 10
_SLOW = 0.5  # seconds after which it is said that a query is being answered
_SLICE = 500  # runs that are matched at a time: leaving the page or changing the query waits for no more

_EXAMPLES = "words, state:done, ways:20, acc>=90, -tag:debug, age<2d"
_LOADING = "Reading the runs"
_NO_RUNS = "No runs yet.\n\n1  set one up and start it\n\nor, from a shell: maml train smoke"
_NO_MATCH = "No run is like that.\n\nesc  shows all again"


class RunsPage(RunControlPage, page="runs"):
    """A table of runs, a line to filter them, and a few lines about the run that the cursor is on."""

    AUTO_FOCUS = "RunList"

    def __init__(self) -> None:
        super().__init__()
        self._library = Library()
        self._found: list[RunFacts] = []
        self._readings = 0
        self._due = 0.0
        self._asked = ""
        self._order = next(iter(ORDERS))
        self._turn = asyncio.Lock()
        self._listed: object = None
        self._title = ""

    def body(self) -> ComposeResult:
        """Lay out the filter, the table and the lines about one run."""
        with Horizontal(id="filter"):
            yield Static("/", id="slash")
            line = Input(placeholder=_EXAMPLES, compact=True, select_on_focus=False)
            line.cursor_blink = False
            yield line
            yield Static("enter keeps it, esc shows all", id="hint")
        yield LazyStatic(id="problem")
        yield RunList()
        yield LazyStatic(_LOADING, id="nothing")
        yield LazyStatic(id="detail")

    def on_mount(self) -> None:
        """Show where the runs are, and that nothing is known of them yet."""
        self.add_class("-nothing")
        folder = str(runs_dir()).replace(str(Path.home()), "~", 1)
        self.query_one(RunList).border_subtitle = Content(printable(folder))

    def on_screen_resume(self) -> None:
        """Read anew when the page comes up."""
        self._due = 0.0

    async def pulse(self) -> None:
        """Read all runs if it is time, and show what has changed."""
        if time.monotonic() < self._due:
            return
        self._due, began = math.inf, time.monotonic()
        try:
            self._found = await asyncio.to_thread(self._library.read)
            self._readings += 1
        finally:
            if self._due == math.inf:  # no change asks for another reading at once
                now = time.monotonic()
                self._due = now + min(max(_MIN_PERIOD, _PATIENCE * (now - began)), _MAX_PERIOD)
        self.run_worker(self._list())

    def back(self) -> None:
        """Leave the filter and show all runs again."""
        self.query_one(Input).value = ""
        self._leave_filter()

    def action_cursor(self, rows: int) -> None:
        """Move the cursor."""
        self.query_one(RunList).move(rows)

    def action_page(self, pages: int) -> None:
        """Move the cursor by what is in sight."""
        table = self.query_one(RunList)
        table.move(pages * table.page)

    def action_filter(self) -> None:
        """Open the line that filters the runs."""
        self.query_one("#filter").add_class("-open")
        self.query_one(Input).focus()

    def action_sort(self) -> None:
        """Sort by what comes next."""
        orders = list(ORDERS)
        self._order = orders[(orders.index(self._order) + 1) % len(orders)]
        self.run_worker(self._list())

    @on(RunList.Chosen)
    def action_open(self) -> None:
        """Watch the run."""
        self.maml.open_run(self._current().run)

    def action_select(self) -> None:
        """Select the run for a comparison, or take it back."""
        run, chosen = self._current().run, self.maml.compare_runs
        if run not in chosen and len(chosen) >= len(LETTERS):
            raise UsageError(f"{len(LETTERS)} runs at most can be compared: take one back with space")
        others = tuple(one for one in chosen if one != run)
        self.maml.compare_runs = others if run in chosen else (*others, run)
        self.run_worker(self._list())

    def action_compare(self) -> None:
        """Compare the selected runs; the one under the cursor makes a pair of a single one."""
        chosen = self.maml.compare_runs
        if len(chosen) == 1 and self._current().run not in chosen:
            chosen = self.maml.compare_runs = (*chosen, self._current().run)
        if len(chosen) < 2:
            raise UsageError("a comparison needs two runs: select them with space")
        self.maml.show("compare")

    def action_resume(self) -> None:
        """Resume the run, whatever keeps it from going on."""
        self.resume(self._current_to_change().run)

    def action_stop(self) -> None:
        """Ask how to leave or stop the run."""
        self.choose_stop(self._current_to_change().run)

    def action_tag(self) -> None:
        """Edit the run's tags."""
        run = self._current_to_change().run

        def keep(text: str) -> None:
            write_tags(run, text.split(), read_tags(run).note)

        dialog = TextDialog(
            f"Tags of run {run.id}",
            " ".join(read_tags(run).tags),
            hint="words with spaces between",
            command=f"maml runs tag {run.id} TAG --remove TAG",
            check=keep,
        )
        self.app.push_screen(dialog, self._look_again)

    def action_note(self) -> None:
        """Edit the run's note."""
        run = self._current_to_change().run
        dialog = TextDialog(
            f"Note on run {run.id}",
            read_tags(run).note,
            hint="one line",
            command=f"maml runs tag {run.id} --note TEXT",
            check=lambda text: change_tags(run, note=text),
        )
        self.app.push_screen(dialog, self._look_again)

    def action_delete(self) -> None:
        """Ask whether to delete the run."""
        facts = self._current_to_change()
        run = facts.run
        if current_status(run).state in LIVE_STATES:
            raise UsageError(f"run {run.id} is live: stop it (X) before deleting it")
        dialog = ConfirmDialog(
            f"Delete run {run.id} {facts.status.name}?",
            details="Its folder is removed for good, with all checkpoints and results.",
            command=f"maml runs rm {run.id}",
            yes="Delete",
            no="Keep",
        )
        self.app.push_screen(dialog, partial(self._delete, run))

    def action_copy(self) -> None:
        """Copy the path of the run's folder."""
        run = self._current().run
        self.maml.copy(str(run.path), f"path of run {run.id}")

    @on(Input.Changed)
    def _ask(self, event: Input.Changed) -> None:
        """Show the runs that match; of an invalid query, use the part before the error and say why."""
        self._asked, problem = event.value, ""
        try:
            parse_query(event.value, time.time())
        except QueryError as error:
            self._asked, problem = event.value[: error.position], str(error)
        line = self.query_one("#problem", LazyStatic)
        line.show(Content(problem))
        line.set_class(bool(problem), "-open")
        self.run_worker(self._list())

    @on(Input.Submitted)
    def _leave_filter(self) -> None:
        line = self.query_one(Input)
        self.query_one("#filter").set_class(bool(line.value), "-open")
        self.query_one(RunList).focus()

    @on(RunList.Moved)
    def _describe_another(self) -> None:
        self.run_worker(self._describe(), exclusive=True, group="detail")

    @notify_errors
    async def _delete(self, run: RunDirectory, meant: bool | None) -> None:
        if not meant:
            return
        await asyncio.to_thread(remove_run, run)
        self.maml.compare_runs = tuple(one for one in self.maml.compare_runs if one != run)
        if self.maml.watched is not None and self.maml.watched.run == run:
            self.maml.watched = None
        self.maml.tell(f"deleted run {run.id}")
        self._look_again()

    def _look_again(self, _: object = None) -> None:
        self._due = 0.0

    def _current(self) -> RunFacts:
        current = self.query_one(RunList).current
        if current is None:
            raise UsageError("there is no run here" if self._listed else "the runs are still being read")
        return current

    def _current_to_change(self) -> RunFacts:
        self.require_control()
        return self._current()

    async def _list(self) -> None:
        """List the runs found, if the question or what was found is new; one at a time."""
        async with self._turn:
            question = (self._asked, self._order, self._readings, self.maml.compare_runs)
            if question == self._listed or not self._readings:
                return
            now = time.time()
            rows = await self._select(self._asked, now)
            if rows is not None:
                listing = await asyncio.to_thread(arrange, rows, self._found, self._order, now)
                self._listed = question
                self._show(listing)
                await self._describe()

    async def _select(self, asked: str, now: float) -> list[RunFacts] | None:
        """Return the runs that match, for which many files may be read; None once the query has changed."""
        query, found, began = parse_query(asked, now), self._found, time.monotonic()
        rows: list[RunFacts] = []
        for start in range(0, len(found), _SLICE):
            if asked != self._asked:
                return None
            if time.monotonic() - began > _SLOW:
                self._entitle(f"Runs · reading configurations {start / len(found):.0%}")
            rows += await asyncio.to_thread(query.select, found[start : start + _SLICE])
        return rows

    def _show(self, listing: Listing) -> None:
        table = self.query_one(RunList)
        table.show(listing, self.maml.compare_runs[: len(LETTERS)])
        shown, total = len(listing.rows), listing.total
        count = f"{total:,}" if shown == total else f"{shown:,} of {total:,}"
        self._entitle(f"Runs · {count} · sorted: {self._order}")
        self.query_one("#nothing", LazyStatic).show(Content(_NO_MATCH if total else _NO_RUNS))
        self.set_class(not shown, "-nothing")
        if shown and self.focused is None:
            table.focus()

    def _entitle(self, title: str) -> None:
        if title != self._title:
            self._title = title
            self.query_one(RunList).border_title = Content(title)

    async def _describe(self) -> None:
        """Describe the run that the cursor is on."""
        current = self.query_one(RunList).current
        lines = await asyncio.to_thread(describe, current) if current else ()
        self.query_one("#detail", LazyStatic).show(Content("\n".join(lines)))
