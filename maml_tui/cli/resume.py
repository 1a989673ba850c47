"""`maml resume`: continue a run, whatever kept it from going on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from engine.config.record import RunRecord, read_record
from engine.errors import UsageError
from engine.runs.index import find_run
from engine.runs.states import ENDED_STATES
from engine.runs.status import Status, current_status
from maml_tui.cli.control import ask
from maml_tui.cli.foreground import Detach, Display, Json, Plain, Quiet, Tui, work
from maml_tui.cli.output import say
from maml_tui.cli.reference import LAST, Run

if TYPE_CHECKING:
    from engine.runs.directory import RunDirectory

app = typer.Typer()


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
    status = current_status(found)
    if status.state == "paused":
        ask(found, "resume")
        say(f"run {found.id} continues; follow: maml attach {found.id}")
        return
    record = read_record(found.config)
    _require_resumable(found, record, status)
    raise typer.Exit(work(found, record, display))


def _require_resumable(run: RunDirectory, record: RunRecord, status: Status) -> None:
    if status.state not in ENDED_STATES:
        raise UsageError(f"run {run.id} is {status.state}: follow it with `maml attach {run.id}`")
    iterations = record.resolved.config.training.iterations
    if status.state == "done" and status.iteration >= iterations and run.result.exists():
        raise UsageError(
            f"run {run.id} has done all its {iterations:,} iterations: there is nothing to resume"
        )
