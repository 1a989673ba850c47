"""`maml runs`: the runs there are."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from engine.config.presets import load_preset
from engine.config.record import RunRecord, read_record
from engine.config.toml import config_tables
from engine.errors import UsageError
from engine.files import explain_os_errors
from engine.paths import runs_dir
from engine.runs.index import find_run, list_runs, remove_run
from engine.runs.result import read_result
from engine.runs.status import Status, current_status
from maml_tui.cli import complete
from maml_tui.cli.config_text import differences
from maml_tui.cli.foreground import show_result
from maml_tui.cli.output import emit, emit_json, emit_table, is_terminal, say
from maml_tui.cli.reference import LAST, Run
from maml_tui.wording import MISSING, duration, moment, significant, with_interval

if TYPE_CHECKING:
    from engine.runs.directory import RunDirectory
    from engine.runs.index import RunSummary

app = typer.Typer(help="The runs there are.", no_args_is_help=True, epilog="Example: maml runs ls")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_COLUMNS = ("id", "name", "state", "iter", "best val ± CI95", "it/s", "started", "time")


@app.command("ls", epilog="Example: maml runs ls --json")
def list_all(as_json: AsJson = False) -> None:
    """List all runs, the newest first."""
    found = list_runs()
    if as_json:
        emit_json([_listed(summary) for summary in found])
    elif found:
        now = time.time()
        emit_table(_COLUMNS, [row(summary.run.id, summary.status, now) for summary in found])
    else:
        say(f"there are no runs in {runs_dir()} yet; start one: maml train smoke")


@app.command("show", epilog="Example: maml runs show 7f3a")
def show(run: Run = LAST, as_json: AsJson = False) -> None:
    """Show where a run stands, what it was asked to be, and what it reached."""
    found = find_run(run)
    record, status = read_record(found.config), current_status(found)
    if as_json:
        emit_json(_everything(found, record, status))
    else:
        _show(found, record, status)


@app.command("path", epilog="Example: tail -f $(maml runs path @last)/worker.log")
def path(run: Run = LAST) -> None:
    """Print the folder of a run."""
    print(find_run(run).path)


@app.command("rm", epilog="Example: maml runs rm 7f3a 51ee --yes")
def remove(
    runs: Annotated[
        list[str], typer.Argument(metavar="RUN", help="Which runs.", autocompletion=complete.runs)
    ],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Delete runs with everything in them. A live run is not deleted."""
    found = list(dict.fromkeys(find_run(name) for name in runs))
    names = ", ".join(run.id for run in found)
    if not yes:
        if not is_terminal(sys.stdin):
            raise UsageError(f"nobody is here to ask: add --yes to delete {names} without asking")
        typer.confirm(f"Delete {names} for good?", abort=True, err=True)
    for run in found:
        remove_run(run)
        say(f"deleted {run.id}")


def row(identity: str, status: Status, now: float) -> tuple[str, ...]:
    """Return a run's cells in the list, in the order of its columns."""
    iterations = MISSING if status.iterations is None else f"{status.iterations:,}"
    best = MISSING
    if status.metric is not None and status.best is not None:
        unit = " %" if status.metric == "accuracy" else f" {status.metric}"
        best = with_interval(status.metric, status.best, status.best_ci95) + unit
    return (
        identity,
        status.name or MISSING,
        status.state,
        f"{status.iteration:,}/{iterations}",
        best,
        significant(status.iterations_per_second),
        moment(status.created, now),
        duration(status.seconds),
    )


def _listed(summary: RunSummary) -> dict[str, Any]:
    return {"id": summary.run.id, "path": str(summary.run.path), **summary.status.model_dump()}


def _everything(run: RunDirectory, record: RunRecord, status: Status) -> dict[str, Any]:
    result = read_result(run.result)
    return {
        "id": run.id,
        "path": str(run.path),
        "command": record.command,
        "status": status.model_dump(),
        "config": config_tables(record.resolved.config),
        "sources": dict(record.resolved.sources),
        "preset": dict(record.preset),
        "fingerprint": dict(record.fingerprint),
        "files": _files(run),
        "result": result and result.model_dump(mode="json"),
    }


def _show(run: RunDirectory, record: RunRecord, status: Status) -> None:
    reason = f": {status.reason}" if status.reason else ""
    emit(f"{run.id} {record.name}  {status.state}{reason}", "bold")
    facts = [
        ("iteration", f"{status.iteration:,} of {record.resolved.config.training.iterations:,}"),
        ("time", f"{duration(status.seconds)}, created {moment(status.created, time.time())}"),
        ("device", f"{status.device or record.device}{f' on {status.host}' if status.host else ''}"),
        ("command", record.command),
        ("folder", str(run.path)),
        ("files", ", ".join(_files(run))),
        *record.fingerprint.items(),
    ]
    for name, value in facts:
        emit(f"{name:<10} {value}")
    _show_config(record)
    show_result(run)


def _show_config(record: RunRecord) -> None:
    emit("")
    try:
        preset = load_preset(record.preset.get("name", ""))
    except UsageError:
        rows = [
            (key, str(value))
            for table in config_tables(record.resolved.config).values()
            for key, value in table.items()
        ]
        emit_table(("option", "value"), rows)
        return
    changed = "" if preset.sha256 == record.preset.get("sha256") else ", which has changed since"
    found = differences(preset.resolved().config, record.resolved.config)
    if found:
        emit_table(("option", f"{preset.name}{changed}", "this run"), found)
    else:
        emit(f"configuration: as preset {preset.name}{changed}")


def _files(run: RunDirectory) -> list[str]:
    with explain_os_errors(f"read {run.path}"):
        files = [path for path in run.path.rglob("*") if path.is_file() and not path.name.startswith(".")]
    return sorted(str(path.relative_to(run.path)) for path in files)
