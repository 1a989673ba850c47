"""What pages that control runs share: starts, requests, and the dialog that asks how to leave or stop a live run.

`engine.runs.control` is imported by the methods that use it: the application shows its first page sooner without it.
"""

from __future__ import annotations

import socket
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, ClassVar, cast

from textual import on
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from engine.errors import ResourceError, UsageError
from engine.runs.launch import kill_worker
from engine.runs.status import Status, current_status
from engine.text import printable
from maml_tui.pages.page import Page, notify_errors
from maml_tui.runs.stop_choices import Decision, Way, ways
from maml_tui.widgets.dialogs import ConfirmDialog

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType

    from engine.runs.directory import RunDirectory
    from engine.runs.requests import StopMode, Verb

_LABEL_WIDTH = 9


class RunControlPage(Page):
    """A page whose keys control runs. The application reports what becomes of each request and start."""

    def require_control(self) -> None:
        """Make sure that this window may change runs.

        Raises:
            UsageError: It is read-only.
        """
        if self.maml.readonly:
            raise UsageError(
                "this window is read-only: start it without --readonly to control or change runs"
            )

    def ask(self, run: RunDirectory, verb: Verb, mode: StopMode | None = None) -> None:
        """Send a request to a run's worker.

        Raises:
            UsageError: The run is not live.
            ResourceError: Its files cannot be read or written.
        """
        from engine.runs import control

        self.maml.pending.append(control.ask(run, verb, mode))

    def start(self, run: RunDirectory) -> None:
        """Start a worker for a new run.

        Raises:
            ResourceError: It cannot be started.
        """
        from engine.runs import control

        self.maml.pending.append(control.start(run, self.maml.environment))

    def resume(self, run: RunDirectory) -> None:
        """Resume a run, whatever keeps it from going on.

        Raises:
            UsageError: It is not paused and has a worker or is about to get one, or has done everything.
            ResourceError: Its files cannot be read or written, or the worker cannot be started.
        """
        from engine.runs import control

        if any(isinstance(one, control.PendingStart) and one.run == run for one in self.maml.pending):
            raise UsageError(f"a worker for run {run.id} is starting already")
        pending = control.resume(run, partial(control.start, run, self.maml.environment), self.maml.tell)
        self.maml.pending.append(pending)
        if isinstance(pending, control.PendingStart):
            self.maml.tell(f"a worker for run {run.id} is starting")

    def choose_stop(self, run: RunDirectory) -> None:
        """Ask the person how to leave or stop a run, and do it.

        Raises:
            UsageError: The run is not live.
            ResourceError: Its status cannot be read.
        """
        from engine.runs import control
        from engine.runs.checkpoints import read_pointer

        status = current_status(run)
        control.require_live(run, status)
        saved = None
        with suppress(ResourceError):  # a damaged pointer is no checkpoint to resume from
            saved = read_pointer(run, "latest")
        dialog = StopDialog(run, status, saved.iteration if saved else None)
        self.app.push_screen(dialog, partial(self._leave_or_stop, run))

    @notify_errors
    def _leave_or_stop(self, run: RunDirectory, decision: Decision | None) -> None:
        match decision:
            case "detach":
                self.maml.leave()
            case "graceful" | "now":
                self.ask(run, "stop", decision)
            case "kill":
                kill_worker(run)
                self.maml.tell(f"run {printable(run.id)} was killed")


class StopDialog(ModalScreen[Decision | None]):
    """Lists the ways out with what each one loses; the one that loses nothing is chosen first. A kill is asked twice.

    Keys: the letter of a way, or arrows and `enter`; `escape` changes nothing.
    """

    CSS_PATH = "../widgets/dialog.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        ("d", "take('detach')", "Detach"),
        ("g", "take('graceful')", "Graceful"),
        ("n", "take('now')", "Now"),
        ("k", "take('kill')", "Kill"),
        ("escape,q", "dismiss(None)", "Cancel"),
    ]

    def __init__(self, run: RunDirectory, status: Status, saved: int | None) -> None:
        """Prepare the dialog; `saved` is the iteration of the run's newest checkpoint, None if it has none."""
        super().__init__()
        self._id = printable(run.id)
        self._ways = {way.decision: way for way in ways(self._id, status, saved, socket.gethostname())}

    def compose(self) -> ComposeResult:
        """Yield the ways, why one cannot be taken, and the command that does the same."""
        with VerticalScroll(classes="dialog", can_focus=False):
            yield Static(f"Leave or stop run {self._id}?", classes="question", markup=False)
            yield OptionList(
                *(Option(_prompt(way), id=way.decision) for way in self._ways.values()),
                compact=True,
                markup=False,
            )
            yield Static("", classes="problem", markup=False)
            yield Static("", classes="command", markup=False)

    @on(OptionList.OptionHighlighted)
    def _show_command(self, event: OptionList.OptionHighlighted) -> None:
        way = self._ways[cast("Decision", event.option_id)]
        self.query_one(".command", Static).update(f"same: {way.command} · esc changes nothing")
        self.query_one(".problem", Static).update(way.refusal)

    @on(OptionList.OptionSelected)
    def _select(self, event: OptionList.OptionSelected) -> None:
        self.action_take(cast("Decision", event.option_id))

    def action_take(self, decision: Decision) -> None:
        """Take a way out, if it can be taken and, for a kill, if it is really meant."""
        way = self._ways[decision]
        if way.refusal:
            self.query_one(OptionList).highlighted = list(self._ways).index(decision)
        elif decision == "kill":
            question = ConfirmDialog(
                f"Kill run {self._id}?", details=way.effect, command=way.command, yes="Kill", no="Keep it"
            )
            self.app.push_screen(question, self._kill_if)
        else:
            self.dismiss(decision)

    def _kill_if(self, meant: bool | None) -> None:
        if meant:
            self.dismiss("kill")


def _prompt(way: Way) -> Content:
    return Content.assemble((f"{way.key}  {way.label:<{_LABEL_WIDTH}}", "bold"), way.effect)
