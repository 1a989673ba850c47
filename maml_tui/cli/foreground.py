"""A run in the foreground: its worker is started and followed, or left alone, and its end is reported."""

from __future__ import annotations

import os
import sys
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engine.config.record import RunRecord, read_record
from engine.errors import UsageError
from engine.runs.control import is_complete
from engine.runs.events import ENDED_STATES
from engine.runs.journal import EventReader
from engine.runs.launch import start_worker, wait_until_ready
from engine.runs.result import read_result
from maml_tui.app.terminal import require_terminal
from maml_tui.cli.follow import Interrupts, View, exit_code, follow
from maml_tui.cli.output import Mode, choose_mode, emit, emit_result, room, say
from maml_tui.cli.plain import JsonView, PlainView
from maml_tui.reports.results import result_tables

if TYPE_CHECKING:
    from engine.config.schema import RunConfig
    from engine.runs.directory import RunDirectory
    from engine.runs.status import Status

_READY_SECONDS = 120.0

Detach = Annotated[bool, typer.Option("--detach", help="Return once it trains; print only the run's id.")]
Plain = Annotated[bool, typer.Option("--plain", help="Plain lines, as when stdout is not a terminal.")]
Json = Annotated[bool, typer.Option("--json", help="The lines of events.jsonl, and nothing else.")]
Tui = Annotated[bool, typer.Option("--tui", help="Open the application on the run.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing on stderr but errors.")]


@dataclass(frozen=True)
class Display:
    """How a run is to be shown."""

    mode: Mode
    detach: bool
    quiet: bool
    tui: bool = False

    @classmethod
    def of(cls, *, detach: bool, plain: bool, as_json: bool, quiet: bool, tui: bool = False) -> Display:
        """Return the display that the flags mean.

        Raises:
            UsageError: They contradict each other, or there is no terminal for the application.
        """
        if detach + plain + as_json + tui > 1:
            raise UsageError("--detach, --plain, --json and --tui exclude each other: choose one")
        if tui:
            require_terminal(os.environ)
        return cls(choose_mode(plain=plain, as_json=as_json), detach, quiet, tui)

    def say(self, text: str) -> None:
        """Say something, unless quiet."""
        if not self.quiet:
            say(text)


def work(run: RunDirectory, record: RunRecord, display: Display) -> int:
    """Start the worker of `run`, show what it does from now on, and return the exit code."""
    if display.tui:
        from maml_tui.app.terminal import open_app  # and Textual with it

        start_worker(run)
        return open_app(run)
    folder = str(run.path).replace(str(Path.home()), "~", 1)
    display.say(f"run {run.id} {record.name}  dir={folder}  device={record.device}")
    reader = EventReader(run.events)
    reader.skip_to_end()  # what earlier workers wrote has been shown before
    return _detach(run, display) if display.detach else _stay(run, record.resolved.config, reader, display)


def view_for(mode: Mode, config: RunConfig) -> View:
    """Return what shows a run in `mode`."""
    if mode is Mode.HUMAN:
        from maml_tui.cli.human import HumanView  # Rich is for terminals only

        return HumanView(config)
    if mode is Mode.JSON:
        return JsonView()
    return View() if mode is Mode.SILENT else PlainView(config)


def conclude(run: RunDirectory, status: Status, display: Display) -> None:
    """Tell how a run ended and, where it was measured, what it reached."""
    if status.state == "done":
        display.say(f"run {run.id} done: {status.reason}")
        if display.mode in (Mode.HUMAN, Mode.PLAIN):
            show_result(run)
        return
    again = f"; resumable: maml resume {run.id}" if status.state == "lost" else ""
    say(f"run {run.id} {status.state}: {status.reason.rstrip('.')}{again}")


def show_result(run: RunDirectory) -> None:
    """Write the result table of `run`, if it was measured."""
    result = read_result(run.result)
    if result is not None and result.measurements:
        config = read_record(run.config).resolved.config
        emit("")
        emit_result(result_tables(config, result.measurements, result.fingerprint, room()))


def _detach(run: RunDirectory, display: Display) -> int:
    process = start_worker(run)
    status = wait_until_ready(run, process, _READY_SECONDS)
    if status.state in ENDED_STATES - {"done"}:
        say(f"run {run.id} {status.state}: {status.reason}")
        process.wait()
        return exit_code(status, process)
    emit(run.id)
    where = f" on {status.device}" if status.device else ""
    display.say(f"{status.state}{where}; follow: maml attach {run.id}")
    return 0


def _stay(run: RunDirectory, config: RunConfig, reader: EventReader, display: Display) -> int:
    with Interrupts(run) as interrupts:
        process = start_worker(run)
        watching = follow(run, view_for(display.mode, config), process, reader)
        with closing(watching):
            for status in watching:
                if interrupts.obey(status, process.pid):
                    return _left(run, interrupts)
    iterations = config.training.iterations
    if interrupts.received and not is_complete(status, iterations, tested=run.result.exists()):
        return _interrupted(run, status, interrupts, iterations)
    conclude(run, status, display)
    sys.stdout.flush()
    return exit_code(status, process)


def _left(run: RunDirectory, interrupts: Interrupts) -> int:
    if interrupts.asked:
        say(f"left run {run.id} to stop by itself; then: maml resume {run.id}")
    else:
        say(f"left run {run.id}, which has not begun to train and goes on; stop it with: maml stop {run.id}")
    return interrupts.exit_code


def _interrupted(run: RunDirectory, status: Status, interrupts: Interrupts, iterations: int) -> int:
    if status.state != "done":
        say(f"run {run.id} {status.state}: {status.reason}")
    if status.iteration < iterations:
        say(f"stopped at iteration {status.iteration:,}; resumable: maml resume {run.id}")
    else:
        say(f"stopped before all was measured, the training is saved; to measure: maml resume {run.id}")
    return interrupts.exit_code
