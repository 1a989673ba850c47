"""`maml resume`: continue a run, whatever kept it from going on."""

from __future__ import annotations

import typer

from engine.config.record import read_record
from engine.runs.index import find_run
from engine.runs.rebuilding import REBUILT, mend_status
from engine.runs.status import current_status
from maml_tui.cli.control import ask
from maml_tui.cli.foreground import Detach, Display, Json, Plain, Quiet, Tui, work
from maml_tui.cli.output import say
from maml_tui.cli.reference import LAST, Run
from maml_tui.resuming import require_resumable

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
