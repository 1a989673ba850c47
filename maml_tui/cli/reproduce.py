"""`maml reproduce`: train what a published table takes, and say how ours agrees with it."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path  # noqa: TC003 - typer reads it
from typing import TYPE_CHECKING, Annotated, Any

import typer

from engine.files import explain_os_errors, write_atomic
from engine.runs.control import require_resumable
from engine.runs.result import Measured, read_result
from engine.runs.status import current_status
from engine.services.client import ask
from engine.services.messages import EVALUATE, EvaluateRequest, Overrides
from maml_tui.cli.arguments import Device  # noqa: TC001 - typer reads it
from maml_tui.cli.foreground import Display, Plain, Quiet, work
from maml_tui.cli.output import Mode, choose_mode, emit, emit_json, emit_notes, emit_table, room, say
from maml_tui.plotting.figure_files import write_figure
from maml_tui.reports.reproduce.cells import (
    COMPARISON_COLUMNS,
    NUMBERS_COLUMNS,
    Cell,
    StepTable,
    comparison,
    protocol_notes,
    step_table,
    verdict,
)
from maml_tui.reports.reproduce.figures import adapted_curves, curves_plot, error_plot
from maml_tui.reports.result_files import to_csv
from maml_tui.reports.text_table import table_width
from maml_tui.runs.new_run import create
from maml_tui.runs.reproduction import PlannedRun, Table, find_table, plan, tables

if TYPE_CHECKING:
    from collections.abc import Sequence


app = typer.Typer()

_NOTES = (
    "ours: best on validation; mean ± half of its 95 % confidence interval over all test tasks, diverged ones included",
    "verdict: the intervals overlap, or ours is better or worse; a published number without an interval is one point",
)
_OF_SEEDS = (
    "of several seeds: mean of their means, median of their medians, all their diverged tasks; the interval, by "
    "Student's t, covers training and tasks, as each seed was trained anew and measured on tasks of its own"
)
_CURVES_OF = ("maml", "pretrained")


@app.command(
    "reproduce",
    epilog="\b\nExamples:\n"
    "  maml reproduce sinusoid --out figures\n"
    "  maml reproduce omniglot --scale 0.1\n"
    "  maml reproduce miniimagenet --report",
)
def reproduce(
    table: Annotated[
        str | None,
        typer.Argument(metavar="TABLE", help="sinusoid, omniglot or miniimagenet; none lists them."),
    ] = None,
    scale: Annotated[
        float,
        typer.Option(
            min=0.00001,
            max=10,
            help="What part of the published iterations to train for; measured is as much as ever.",
        ),
    ] = 1.0,
    seeds: Annotated[
        int | None,
        typer.Option(
            min=1, max=1000, help="Train each so often, with seeds 0, 1, ...; 3 for sinusoid, else 1."
        ),
    ] = None,
    report: Annotated[bool, typer.Option("--report", help="Train nothing: report what is complete.")] = False,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Write the table as CSV there and, of sinusoids, the paper's figures."
        ),
    ] = None,
    device: Device = "auto",
    plain: Plain = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, and nothing of the training.")] = False,
    quiet: Quiet = False,
) -> None:
    """Train everything that a published table takes, one run after the other, and compare.

    Every run is an ordinary one. Ctrl-C stops the one at work with a checkpoint; the same command goes on from there,
    and once all are complete, it only reports.
    """
    if table is None:
        _list(scale, seeds, as_json=as_json)
        return
    chosen = _seeded(find_table(table), seeds)
    mode = Mode.SILENT if as_json else choose_mode(plain=plain, as_json=False)
    display = Display(mode, detach=False, quiet=quiet)
    planned = plan(chosen, scale, device)
    for number, one in enumerate(() if report else planned, 1):
        if not one.complete:
            display.say(f"run {number} of {len(planned)}: {one.record.name}")
            _complete(one, display)
    planned = plan(chosen, scale, device)
    cells = _cells(chosen, planned, display)
    files = _write(chosen, planned, cells, out) if out else []
    if as_json:
        emit_json(_as_json(chosen, planned, cells, files))
    else:
        _show(chosen, planned, cells, scale)
        for file in files:
            display.say(f"wrote {file}")


def _seeded(table: Table, seeds: int | None) -> Table:
    return table if seeds is None else replace(table, seeds=seeds)


def _list(scale: float, seeds: int | None, *, as_json: bool) -> None:
    rows = []
    for table in tables().values():
        planned = plan(_seeded(table, seeds), scale)
        rows.append((table.name, f"{sum(one.complete for one in planned)} of {len(planned)}", table.title))
    if as_json:
        emit_json([dict(zip(("table", "complete", "title"), row, strict=True)) for row in rows])
    else:
        emit_table(("table", "complete", "what it shows"), rows)


def _complete(one: PlannedRun, display: Display) -> None:
    """Train a run to its end, from wherever it stands.

    Raises:
        Exit: It did not come to its end.
    """
    if one.run is None:
        run = create(one.record)
    else:
        run = one.run
        require_resumable(run, current_status(run), one.iterations)
    code = work(run, one.record, display)
    if code or not replace(one, run=run).complete:
        say("the same command goes on from here")
        raise typer.Exit(code)


def _cells(table: Table, planned: Sequence[PlannedRun], display: Display) -> list[Cell]:
    """Return what the best parameters of every network reach, with all its seeds."""
    cells = []
    for network in dict.fromkeys(one.network for one in planned):
        seeds = [one for one in planned if one.network == network]
        config = seeds[0].record.resolved.config
        for shots in table.shots or (config.task.shots,):
            measured = (_measured(one, shots, display) for one in seeds)
            cells.append(Cell(config, shots, tuple(found for found in measured if found is not None)))
    return cells


def _measured(one: PlannedRun, shots: int, display: Display) -> Measured | None:
    """Return what a run's best parameters reach: as measured at its end or, with other shots, measured now."""
    if one.run is None or not one.complete:
        return None
    if shots == one.record.resolved.config.task.shots:
        result = read_result(one.run.result)
        return result.measurements[0] if result and result.measurements else None
    display.say(f"measuring {one.record.name} with K = {shots}")
    overrides = Overrides(shots=shots, queries=shots)
    return ask(EVALUATE, EvaluateRequest(run=str(one.run.path), overrides=overrides)).measurements[0]


def _show(table: Table, planned: Sequence[PlannedRun], cells: Sequence[Cell], scale: float) -> None:
    for task in dict.fromkeys(cell.task for cell in cells):
        of_task = [cell for cell in cells if cell.task == task]
        compared = comparison(of_task)
        steps = _step_tables(of_task) if table.shots or table.seeds > 1 else []
        if not steps and not compared:
            continue
        emit(task, "bold")
        for columns, rows in steps:
            emit_table(columns, rows)
            emit("")
        if compared:
            emit_table(NUMBERS_COLUMNS, [row[-len(NUMBERS_COLUMNS) :] for row in compared])
        emit_notes(protocol_notes(of_task))
        emit("")
    standing = [f"{one.record.name}: {one.standing}" for one in planned if not one.complete]
    of_seeds = [_OF_SEEDS] if table.seeds > 1 else []
    note = [table.note] if table.note else []
    emit_notes((*_NOTES, *note, *of_seeds, *_shortened(planned, scale), *standing))


def _shortened(planned: Sequence[PlannedRun], scale: float) -> list[str]:
    """Say that the numbers are not those of the published training, where they are not."""
    if scale == 1:
        return []
    trained = " or ".join(dict.fromkeys(f"{one.iterations:,}" for one in planned))
    return [
        f"trained for {trained} iterations, {scale:g} times the published; the published numbers are of all"
    ]


def _step_tables(cells: Sequence[Cell]) -> list[StepTable]:
    """Return the networks side by side or, where there is no room for it, a table for each."""
    columns, rows = step_table(cells)
    fits = table_width((columns, *rows)) <= room()
    tables = [(columns, rows)] if fits else [step_table([cell]) for cell in cells]
    return [(columns, rows) for columns, rows in tables if rows]


def _write(table: Table, planned: Sequence[PlannedRun], cells: Sequence[Cell], folder: Path) -> list[Path]:
    with explain_os_errors(f"make the folder {folder}"):
        folder.mkdir(parents=True, exist_ok=True)
    write_atomic(folder / f"{table.name}.csv", to_csv(COMPARISON_COLUMNS, comparison(cells)))
    files = [folder / f"{table.name}.csv"]
    if not table.shots:
        return files
    for shots in sorted({cell.shots for cell in cells}):
        measured = [cell for cell in cells if cell.steps and cell.shots == shots]
        if measured:
            files += write_figure(error_plot(measured), folder, f"{table.name}-{shots}shot-error")
    for one in planned[: len(planned) // table.seeds]:
        algorithm = one.record.resolved.config.algorithm.algorithm
        if one.run is not None and one.complete and algorithm in _CURVES_OF:
            for answer in adapted_curves(one.run, table.shots, os.environ):
                stem = f"{table.name}-{len(answer.support_x)}shot-curve-{algorithm}"
                files += write_figure(curves_plot(answer, algorithm), folder, stem)
    return files


def _as_json(
    table: Table, planned: Sequence[PlannedRun], cells: Sequence[Cell], files: Sequence[Path]
) -> dict[str, Any]:
    return {
        "table": table.name,
        "runs": [
            {
                "name": one.record.name,
                "id": one.run and one.run.id,
                "iterations": one.iterations,
                "standing": one.standing,
            }
            for one in planned
        ],
        "cells": [_cell(cell) for cell in cells],
        "files": [str(file) for file in files],
    }


def _cell(cell: Cell) -> dict[str, Any]:
    return {
        "task": cell.task,
        "algorithm": cell.algorithm,
        "metric": cell.config.metric,
        "steps": cell.steps,
        "measured": cell.measured,
        "published": [
            {
                "step": at.step,
                "source": entry.source,
                "value": str(entry),
                "interval": entry.interval,
                "verdict": verdict(cell.config.metric, at, entry),
            }
            for at in cell.steps
            for entry in cell.published(at.step)
        ],
    }
