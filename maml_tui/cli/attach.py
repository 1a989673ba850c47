"""`maml attach`: watch a run that is live or has ended, in the application or line by line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from engine.config.record import read_record
from engine.runs.index import find_run
from maml_tui.cli.arguments import LAST, Run
from maml_tui.cli.follow import exit_code, follow
from maml_tui.cli.foreground import Display, Json, Plain, Quiet, conclude, view_for
from maml_tui.cli.output import Mode, say

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
        from maml_tui.app.launch import open_app  # and Textual with it

        raise typer.Exit(open_app(found, readonly))
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
