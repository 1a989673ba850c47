"""`maml compare`: what differs between runs, and which is better on the same test tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from engine.errors import UsageError
from engine.runs.index import find_run
from engine.services.client import ask
from engine.services.messages import EVALUATE, EvaluateRequest
from maml_tui.cli.arguments import AsJson, complete_runs
from maml_tui.cli.evaluate import BNMode, Split  # noqa: TC001 - typer reads them
from maml_tui.cli.output import emit, emit_json, emit_notes, emit_side_by_side, emit_table, say
from maml_tui.reports.comparison import comparison_tables
from maml_tui.reports.config_text import differing_options
from maml_tui.reports.contender import LETTERS, Contender, Outcome, stored_contenders
from maml_tui.reports.pairs import Pair, pairs, require_same_tasks, same_for_all

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.runs.result import CheckpointName

app = typer.Typer()


@app.command("compare", epilog="Example: maml compare 7f3a 6c10 --tasks 10000")
def compare(
    ctx: typer.Context,
    runs: Annotated[
        list[str],
        typer.Argument(metavar="RUN RUN...", help="Two to six runs.", autocompletion=complete_runs),
    ],
    at: Annotated[Literal["best", "last"], typer.Option(help="Whose parameters.")] = "best",
    split: Annotated[Split | None, typer.Option(help="Measure anew on these tasks.")] = None,
    tasks: Annotated[int | None, typer.Option(help="Measure anew on so many tasks.")] = None,
    steps: Annotated[int | None, typer.Option(help="Measure anew after so many inner steps.")] = None,
    shots: Annotated[int | None, typer.Option(help="Measure anew with so many support examples.")] = None,
    queries: Annotated[int | None, typer.Option(help="Measure anew with so many query examples.")] = None,
    seed: Annotated[int | None, typer.Option(help="Measure anew on tasks of this seed.")] = None,
    mode: Annotated[BNMode | None, typer.Option(help="Measure anew, normalising queries like this.")] = None,
    device: Annotated[
        str | None, typer.Option(envvar="MAML_DEVICE", help="Measure anew here; each run's if left out.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Compare the results of runs in pairs, the first with each other one, and show the options that differ.

    The results are those measured at the end of each run. To measure all runs anew on the same tasks, say which: what
    is left out is as in the first run's configuration. The runs themselves are not touched.
    """
    found = list(dict.fromkeys(find_run(name) for name in runs))
    if not 2 <= len(found) <= len(LETTERS):
        raise UsageError(f"a comparison is between 2 and {len(LETTERS)} different runs: {len(found)} given")
    contenders = stored_contenders(found, at)
    chosen: dict[str, object] = {
        "split": split,
        "tasks": tasks,
        "steps": steps,
        "shots": shots,
        "queries": queries,
        "seed": seed,
        "mode": mode,
    }
    source = ctx.get_parameter_source("device")
    if any(value is not None for value in chosen.values()) or (source and source.name == "COMMANDLINE"):
        contenders = _measured_anew(contenders, at, {**chosen, "device": device})
    if as_json:
        emit_json(_as_json(contenders))
    else:
        _show(contenders, at)


def _measured_anew(
    contenders: list[Contender], at: CheckpointName, chosen: Mapping[str, object]
) -> list[Contender]:
    require_same_tasks(contenders)
    overrides = same_for_all(contenders[0].config, at, chosen)
    measured = []
    for one in contenders:
        say(f"measuring {one.letter} {one.run.id} on {overrides.tasks:,} tasks")
        report = ask(EVALUATE, EvaluateRequest(run=str(one.run.path), overrides=overrides))
        measured.append(one.measured_anew(report, at))
    return measured


def _show(contenders: list[Contender], at: CheckpointName) -> None:
    table = comparison_tables(contenders, at)
    emit_side_by_side(table.columns, (*table.facts, *table.options))
    if table.pairs:
        emit("")
        emit_table(table.pair_columns, table.pairs)
    emit("")
    emit_notes((*table.notes, *table.obstacles))


def _as_json(contenders: list[Contender]) -> dict[str, Any]:
    options = differing_options([one.config for one in contenders])
    return {
        "runs": [_run(one) for one in contenders],
        "differences": {row.option.name: row.values for row in options},
        "pairs": [_pair(pair) for pair in pairs(contenders)],
    }


def _run(one: Contender) -> dict[str, Any]:
    return {
        "letter": one.letter,
        "id": one.run.id,
        "path": str(one.run.path),
        "status": one.status,
        "result": one.outcome and _outcome(one.outcome),
    }


def _outcome(outcome: Outcome) -> dict[str, Any]:
    return {
        "metric": outcome.measured.measurement.metric,
        "checkpoint": outcome.measured.checkpoint,
        "iteration": outcome.measured.iteration,
        "protocol": outcome.measured.measurement.protocol,
        "fingerprint": dict(outcome.fingerprint),
        **dict(outcome.at),
    }


def _pair(pair: Pair) -> dict[str, Any]:
    return {
        "first": pair.first.letter,
        "second": pair.second.letter,
        "difference": pair.difference and pair.difference._asdict(),
        "better": pair.better and pair.better.letter,
        "obstacle": pair.obstacle,
    }
