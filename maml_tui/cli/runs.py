"""`maml runs`: the runs there are."""

from __future__ import annotations

import re
import sys
import time
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from engine.config.presets import load_preset
from engine.config.record import RunRecord, read_record
from engine.config.toml import config_tables
from engine.errors import UsageError
from engine.files import explain_os_errors
from engine.paths import runs_dir
from engine.runs.index import find_run, list_runs, remove_run
from engine.runs.result import read_result
from engine.runs.status import Status, current_status
from engine.runs.tags import change_tags, read_tags
from maml_tui.cli.arguments import LAST, AsJson, Run, complete_runs
from maml_tui.cli.foreground import show_result
from maml_tui.cli.output import (
    emit,
    emit_facts,
    emit_json,
    emit_notes,
    emit_table,
    is_terminal,
    room,
    say,
)
from maml_tui.reports.config_text import differences
from maml_tui.reports.text_table import table_width
from maml_tui.reports.wording import MISSING, duration, moment
from maml_tui.runs.listing import Listing, RunFacts, arrange
from maml_tui.runs.query import parse_query
from maml_tui.runs.table import Column, all_columns

if TYPE_CHECKING:
    from typer._click import Context

    from engine.runs.directory import RunDirectory

app = typer.Typer(help="The runs there are.", no_args_is_help=True, epilog="Example: maml runs ls")

_CONDITION = re.compile(r"-\w+[:=<>]")
_TAGS = Column("tags", 20, 9, lambda facts, _: ", ".join(facts.tags.tags))


class _QueryCommand(TyperCommand):
    """A command for which `-tag:debug` is a condition, not an option."""

    def parse_args(self, ctx: Context, args: list[str]) -> list[str]:
        """Put conditions behind everything else, where no option is looked for."""
        if "--" not in args:
            conditions = [word for word in args if _CONDITION.match(word)]
            args = [*(word for word in args if word not in conditions), "--", *conditions]
        return super().parse_args(ctx, args)


@app.command("ls", cls=_QueryCommand, epilog="Example: maml runs ls state:done ways:20 'acc>=90' -tag:debug")
def list_some(
    query: Annotated[
        list[str] | None,
        typer.Argument(metavar="QUERY", help="Words and conditions that must all hold; all runs without."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List runs, the newest first.

    A word is looked for in name, id and task. Conditions are key:value, key=value, key<value and so on; a - before
    one turns it round. Keys: name, id, task, state, tag, note, acc (per cent), mse, best, it, speed, device, host,
    started (a day), age, time, and every option of a run (maml presets show smoke lists some).

    A terminal gets the columns that it has room for, a pipe all of them.
    """
    now = time.time()
    found = [RunFacts(summary.run, summary.status) for summary in list_runs()]
    asked = parse_query(" ".join(query or ()), now)
    listing = arrange(asked.select(found), found, "newest", now)
    if as_json:
        emit_json([_listed(facts) for facts in listing.rows])
    elif listing.rows:
        emit_table(*_table(listing))
    elif found:
        say(f"none of {len(found):,} runs is like that; maml runs ls shows all")
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


@app.command("tag", epilog="Example: maml runs tag 7f3a paper lr-sweep --remove debug --note 'second try'")
def tag(
    run: Run,
    tags: Annotated[list[str] | None, typer.Argument(metavar="TAG", help="Tags to add.")] = None,
    remove: Annotated[list[str] | None, typer.Option(metavar="TAG", help="Take this tag off.")] = None,
    note: Annotated[str | None, typer.Option(help="Replace the note; '' removes it.")] = None,
) -> None:
    """Tag a run, live or not, or write a note on it; without TAG and options, show what it has."""
    found = find_run(run)
    asked = tags or remove or note is not None
    kept = change_tags(found, tags or (), remove or (), note) if asked else read_tags(found)
    emit(", ".join(kept.tags) or MISSING)
    if kept.note:
        emit(kept.note)


@app.command("rm", epilog="Example: maml runs rm 7f3a 51ee --yes")
def remove(
    runs: Annotated[
        list[str], typer.Argument(metavar="RUN", help="Which runs.", autocompletion=complete_runs)
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


def _table(listing: Listing) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Return headings and rows, without the columns that there is no room for."""
    columns = {
        column: [column.heading, *(column.cell(facts, listing) for facts in listing.rows)]
        for column in (*all_columns(), _TAGS)
    }
    while True:
        headings, *rows = table = [*zip(*columns.values(), strict=True)]
        if table_width(table) <= room() or len(columns) == 1:
            return headings, rows
        del columns[max(columns, key=lambda column: column.rank)]


def _listed(facts: RunFacts) -> dict[str, Any]:
    return {
        "id": facts.run.id,
        "path": str(facts.run.path),
        **facts.status.model_dump(),
        "tags": facts.tags.tags,
        "note": facts.tags.note,
    }


def _everything(run: RunDirectory, record: RunRecord, status: Status) -> dict[str, Any]:
    result, tags = read_result(run.result), read_tags(run)
    return {
        "id": run.id,
        "path": str(run.path),
        "command": record.command,
        "tags": tags.tags,
        "note": tags.note,
        "status": status.model_dump(),
        "config": config_tables(record.resolved.config),
        "sources": dict(record.resolved.sources),
        "preset": dict(record.preset),
        "fingerprint": dict(record.fingerprint),
        "files": _files(run),
        "result": result,
    }


def _show(run: RunDirectory, record: RunRecord, status: Status) -> None:
    reason = f": {status.reason}" if status.reason else ""
    tags = read_tags(run)
    emit_notes([f"{run.id} {record.name}  {status.state}{reason}"], "bold")
    facts = [
        ("iteration", f"{status.iteration:,} of {record.resolved.config.training.iterations:,}"),
        ("time", f"{duration(status.seconds)}, created {moment(status.created, time.time())}"),
        ("device", f"{status.device or record.device}{f' on {status.host}' if status.host else ''}"),
        ("command", record.command),
        ("folder", str(run.path)),
        ("files", ", ".join(_files(run))),
        *([("tags", ", ".join(tags.tags))] if tags.tags else []),
        *([("note", tags.note)] if tags.note else []),
        *record.fingerprint.items(),
    ]
    emit_facts(facts, whole="command")
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
