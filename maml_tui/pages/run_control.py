"""What pages that control runs share: requests, resuming, and the ways to leave or stop a run."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from engine.errors import ResourceError, UsageError
from engine.runs import control
from engine.runs.checkpoints import read_pointer
from engine.runs.launch import kill_worker
from engine.runs.status import current_status
from engine.text import printable
from maml_tui.pages.page import Page, notify_errors
from maml_tui.pages.stop import StopDialog

if TYPE_CHECKING:
    from engine.runs.directory import RunDirectory
    from engine.runs.requests import StopMode, Verb
    from maml_tui.runs.stop_choices import Decision


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
        self.maml.pending.append(control.ask(run, verb, mode))

    def resume(self, run: RunDirectory) -> None:
        """Resume a run, whatever keeps it from going on.

        Raises:
            UsageError: It is not paused and has a worker or is about to get one, or has done everything.
            ResourceError: Its files cannot be read or written, or the worker cannot be started.
        """
        if any(isinstance(one, control.PendingStart) and one.run == run for one in self.maml.pending):
            raise UsageError(f"a worker for run {run.id} is starting already")
        start = partial(control.start, run, self.maml.environment)
        pending = control.resume(run, start, self.maml.tell)
        self.maml.pending.append(pending)
        if isinstance(pending, control.PendingStart):
            self.maml.tell(f"a worker for run {run.id} is starting")

    def choose_stop(self, run: RunDirectory) -> None:
        """Ask the person how to leave or stop a run, and do it.

        Raises:
            UsageError: The run is not live.
            ResourceError: Its status cannot be read.
        """
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
