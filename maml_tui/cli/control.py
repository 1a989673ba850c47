"""`maml resume`: continue a run, whatever kept it from going on."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Annotated

import typer

from engine.config.record import read_record
from engine.errors import MamlError, UsageError
from engine.runs.checkpoints import read_pointer
from engine.runs.control import StopMode, Verb, request
from engine.runs.events import LIVE_STATES, RequestEvent
from engine.runs.index import find_run
from engine.runs.journal import EventReader
from engine.runs.launch import kill_worker
from engine.runs.rebuilding import REBUILT, mend_status
from engine.runs.status import current_status
from maml_tui.cli.arguments import LAST, Run
from maml_tui.cli.foreground import Detach, Display, Json, Plain, Quiet, Tui, work
from maml_tui.cli.output import is_terminal, say
from maml_tui.runs.resuming import require_resumable

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.runs.directory import RunDirectory


_PATIENCE = 10.0
_POLL_SECONDS = 0.1

app = typer.Typer()


@app.command("pause", epilog="Example: maml pause 7f3a")
def pause(run: Run = LAST) -> None:
    """Pause a run after its current iteration; `maml resume` continues it."""
    found = find_run(run)
    ask(found, "pause")
    say(f"run {found.id} paused; continue: maml resume {found.id}")


@app.command("ckpt", epilog="Example: maml ckpt 7f3a")
def checkpoint(run: Run = LAST) -> None:
    """Write a checkpoint of a live run after its current iteration."""
    found = find_run(run)
    ask(found, "checkpoint")
    pointer = read_pointer(found, "latest")
    where = f": {found.checkpoints / pointer.file}" if pointer else ""
    say(f"run {found.id} writes a checkpoint{where}")


@app.command("stop", epilog="\b\nExamples:\n  maml stop 7f3a\n  maml stop --now")
def stop(
    run: Run = LAST,
    now: Annotated[bool, typer.Option("--now", help="Save a checkpoint and end, without measuring.")] = False,
    kill: Annotated[
        bool, typer.Option("--kill", help="Kill the worker; what came after its checkpoint is lost.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before killing.")] = False,
) -> None:
    """Stop a run: finish the iteration, save a checkpoint, measure on the test tasks, end."""
    if now and kill:
        raise UsageError("--now and --kill exclude each other: choose one")
    found = find_run(run)
    if kill:
        _kill(found, yes)
        return
    mode: StopMode = "now" if now else "graceful"
    ask(found, "stop", mode)
    rest = "saves a checkpoint and ends" if now else "saves a checkpoint, measures on the test tasks and ends"
    say(f"run {found.id} {rest}; follow: maml attach {found.id}")


def ask(
    run: RunDirectory,
    verb: Verb,
    mode: StopMode | None = None,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Leave a request for a live run and wait for its answer.

    Raises:
        UsageError: The run is not live, or refuses.
        MamlError: It does not answer in time, or ends without an answer.
    """
    _require_live(run)
    reader = EventReader(run.events)
    for _ in reader.chunks():
        pass  # the answer is still to come
    identity = request(run, verb, mode)
    deadline = clock() + _PATIENCE
    while clock() < deadline:
        live = current_status(run).state in LIVE_STATES  # first: an answer comes before the end
        for event in reader.read():
            if isinstance(event, RequestEvent) and event.id == identity:
                if event.outcome == "refused":
                    raise UsageError(f"run {run.id} refuses to {verb}: {event.reason}")
                return
        if not live:
            raise MamlError(f"run {run.id} ended before it could answer: see `maml runs show {run.id}`")
        sleep(_POLL_SECONDS)
    raise MamlError(
        f"run {run.id} has not answered within {_PATIENCE:.0f} s (a long iteration or evaluation?): "
        "the request stays, and is obeyed after it"
    )


def _require_live(run: RunDirectory) -> None:
    status = current_status(run)
    if status.state not in LIVE_STATES:
        raise UsageError(f"run {run.id} is {status.state}, not live: there is nothing to ask it for")


def _kill(run: RunDirectory, yes: bool) -> None:
    if not yes:
        _confirm(run)
    kill_worker(run)
    say(f"run {run.id} killed; from its checkpoint: maml resume {run.id}")


def _confirm(run: RunDirectory) -> None:
    if not is_terminal(sys.stdin):
        raise UsageError("nobody is here to ask: add --yes to kill without asking")
    _require_live(run)
    pointer = read_pointer(run, "latest")
    kept = (
        f"all after iteration {pointer.iteration:,} is lost"
        if pointer
        else "all is lost: it has no checkpoint"
    )
    iteration = current_status(run).iteration
    typer.confirm(f"Kill run {run.id} at iteration {iteration:,}? {kept}.", abort=True, err=True)


@app.command("resume", epilog="Example: maml resume 7f3a --detach")
def resume(
    run: Run = LAST,
    detach: Detach = False,
    plain: Plain = False,
    as_json: Json = False,
    tui: Tui = False,
    quiet: Quiet = False,
) -> None:
    """Continue a run: a paused one at once, an ended one from its last checkpoint, or from the start."""
    display = Display.of(detach=detach, plain=plain, as_json=as_json, quiet=quiet, tui=tui)
    found = find_run(run)
    if mend_status(found):
        say(f"run {found.id}: {REBUILT}")
    status = current_status(found)
    if status.state == "paused":
        ask(found, "resume")
        say(f"run {found.id} continues; follow: maml attach {found.id}")
        return
    record = read_record(found.config)
    require_resumable(found, status, record.resolved.config.training.iterations)
    raise typer.Exit(work(found, record, display))
