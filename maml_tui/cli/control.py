"""`maml attach`, `pause`, `resume`, `ckpt`, `stop`: commands that watch and control a run."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from engine.config.record import read_record
from engine.errors import UsageError
from engine.runs import control
from engine.runs.checkpoints import read_pointer
from engine.runs.index import find_run
from engine.runs.launch import kill_worker
from engine.runs.status import current_status
from maml_tui.cli.arguments import LAST, Run
from maml_tui.cli.follow import exit_code, follow
from maml_tui.cli.foreground import Detach, Display, Json, Plain, Quiet, Tui, conclude, view_for, work
from maml_tui.cli.output import Mode, is_terminal, say
from maml_tui.runs.stop_choices import kill_loss

if TYPE_CHECKING:
    from engine.runs.directory import RunDirectory

app = typer.Typer()


@app.command("attach", epilog="Example: maml attach 7f3a")
def attach(
    run: Run = LAST,
    readonly: Annotated[bool, typer.Option("--readonly", help="Watch only; no key steers the run.")] = False,
    plain: Plain = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Watch a live or finished run from its beginning: in the application, or in lines if asked or piped.

    Leaving, by q or Ctrl-C, only detaches: the run goes on.
    """
    display = Display.of(detach=False, plain=plain, as_json=as_json, quiet=quiet)
    found = find_run(run)
    if display.mode is Mode.HUMAN:
        from maml_tui.app.terminal import open_app  # and Textual with it

        raise typer.Exit(open_app(found, readonly))
    try:
        record = read_record(found.config)
        display.say(f"run {found.id} {record.name}")
        *_, status = follow(found, view_for(display.mode, record.resolved.config))
        conclude(found, status, display)
        raise typer.Exit(exit_code(status))
    except KeyboardInterrupt:
        say(f"detached; run {found.id} goes on (stop it with: maml stop {found.id})")


@app.command("pause", epilog="Example: maml pause 7f3a")
def pause(run: Run = LAST) -> None:
    """Pause a run after its current iteration; `maml resume` continues it."""
    found = find_run(run)
    say(f"{_accepted(control.ask(found, 'pause'))}; continue: maml resume {found.id}")


@app.command("ckpt", epilog="Example: maml ckpt 7f3a")
def checkpoint(run: Run = LAST) -> None:
    """Write a checkpoint of a live run after its current iteration."""
    found = find_run(run)
    accepted = _accepted(control.ask(found, "checkpoint"))
    pointer = read_pointer(found, "latest")
    say(f"{accepted}: {found.checkpoints / pointer.file}" if pointer else accepted)


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
    accepted = _accepted(control.ask(found, "stop", "now" if now else "graceful"))
    rest = (
        "saves a checkpoint and ends"
        if now
        else "saves a checkpoint, runs the final test evaluation and ends"
    )
    say(f"{accepted}, {rest}; follow: maml attach {found.id}")


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
    resumed = control.resume(found, lambda: work(found, read_record(found.config), display), say)
    if isinstance(resumed, int):
        raise typer.Exit(resumed)
    say(f"{_accepted(resumed)}; follow: maml attach {found.id}")


def _accepted(request: control.PendingRequest) -> str:
    """Wait for the answer to a request and return it as a sentence.

    Raises:
        UsageError: The worker refused.
        MamlError: It did not answer in time, or ended without an answer.
    """
    outcome = control.wait(request)
    outcome.require_accepted()
    return outcome.message


def _kill(run: RunDirectory, yes: bool) -> None:
    if not yes:
        _confirm(run)
    kill_worker(run)
    say(f"run {run.id} killed; from its checkpoint: maml resume {run.id}")


def _confirm(run: RunDirectory) -> None:
    if not is_terminal(sys.stdin):
        raise UsageError("nobody is here to ask: add --yes to kill without asking")
    status = current_status(run)
    control.require_live(run, status)
    pointer = read_pointer(run, "latest")
    loss = kill_loss(status, pointer.iteration if pointer else None)
    typer.confirm(f"Kill run {run.id} at iteration {status.iteration:,} ({loss})?", abort=True, err=True)
