"""`maml attach`: follow a run that is live or has ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from engine.config.record import read_record
from engine.runs.index import find_run
from maml_tui.cli.follow import exit_code, follow
from maml_tui.cli.foreground import Display, Json, Plain, Quiet, conclude, view_for
from maml_tui.cli.output import say
from maml_tui.cli.reference import LAST, Run

if TYPE_CHECKING:
    from engine.runs.directory import RunDirectory

app = typer.Typer()


@app.command("attach", epilog="Example: maml attach 7f3a")
def attach(run: Run = LAST, plain: Plain = False, as_json: Json = False, quiet: Quiet = False) -> None:
    """Follow a live or finished run from its beginning.

    Ctrl-C only detaches: the run goes on.
    """
    display = Display.of(detach=False, plain=plain, as_json=as_json, quiet=quiet)
    found = find_run(run)
    try:
        raise typer.Exit(_watch(found, display))
    except KeyboardInterrupt:
        say(f"detached; run {found.id} goes on (stop it with: maml stop {found.id})")


def _watch(run: RunDirectory, display: Display) -> int:
    record = read_record(run.config)
    display.say(f"run {run.id} {record.name}")
    *_, status = follow(run, view_for(display.mode, record.resolved.config))
    conclude(run, status, display)
    return exit_code(status)
