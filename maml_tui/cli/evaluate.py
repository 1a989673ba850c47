"""`maml eval`: measure a run's checkpoints by protocols of one's own, each in a process of its own."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

import typer

from engine.config.record import read_record
from engine.errors import UsageError
from engine.runs.index import find_run
from engine.services.client import ask
from engine.services.messages import EVALUATE, EvaluateRequest, Overrides
from maml_tui.cli.arguments import LAST, Run
from maml_tui.cli.output import emit_json, emit_notes, emit_result, emit_table, room
from maml_tui.reports.results import combinations, protocol_notes, protocol_table, result_tables

app = typer.Typer()


Split = Literal["test", "val"]
BNMode = Literal["transductive", "inductive"]


_Checkpoint = Annotated[
    Literal["best", "latest", "both"] | None, typer.Option(help="Whose parameters; both.")
]

_Ensemble = Annotated[
    str | None,
    typer.Option(
        metavar="<int,...>", help="Instead of one checkpoint, the mean prediction of so many of the best."
    ),
]

_Mode = Annotated[
    str | None,
    typer.Option(metavar="<transductive,inductive>", help="Normalise queries together, or each alone."),
]


@app.command(
    "eval",
    epilog="\b\nExamples:\n"
    "  maml eval @last --tasks 10000 --seed 7\n"
    "  maml eval 7f3a --queries 5,15 --mode transductive,inductive\n"
    "  maml eval 7f3a --ensemble 1,5\n"
    "  maml eval 7f3a --data strokes",
)
def evaluate(
    run: Run = LAST,
    checkpoint: _Checkpoint = None,
    ensemble: _Ensemble = None,
    split: Annotated[str | None, typer.Option(metavar="<test,val>", help="Which tasks; test.")] = None,
    tasks: Annotated[int | None, typer.Option(help="How many tasks.")] = None,
    steps: Annotated[int | None, typer.Option(help="Up to which inner step.")] = None,
    shots: Annotated[str | None, typer.Option(metavar="<int,...>", help="Support examples K.")] = None,
    queries: Annotated[str | None, typer.Option(metavar="<int,...>", help="Query examples.")] = None,
    seed: Annotated[str | None, typer.Option(metavar="<int,...>", help="Seed of the tasks.")] = None,
    mode: _Mode = None,
    data: Annotated[
        str | None, typer.Option(metavar="NAME", help="Tasks of another data set than it was trained on.")
    ] = None,
    device: Annotated[str | None, typer.Option(envvar="MAML_DEVICE", help="The run's if left out.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON: a list if there are several.")] = False,
) -> None:
    """Measure a run's checkpoints on tasks it has not seen.

    What is left out is as in the run's configuration. Split, shots, queries, seed, mode and ensemble take several
    values with commas between them: every combination is measured, a row each. The run itself is not touched. An
    ensemble takes a run that kept as many of its best checkpoints on validation: train it with -s keep_best=5.
    """
    if checkpoint is not None and ensemble is not None:
        raise UsageError("an ensemble is made of the best checkpoints: leave out --checkpoint or --ensemble")
    found = find_run(run)
    config = read_record(found.config).resolved.config
    choices = {
        name: values
        for name, text, known in (
            ("split", split, get_args(Split)),
            ("shots", shots, ()),
            ("queries", queries, ()),
            ("seed", seed, ()),
            ("mode", mode, get_args(BNMode)),
            ("ensemble", ensemble, ()),
        )
        if (values := _several(name, text, known))
    }
    fixed = {
        "checkpoint": None if checkpoint in (None, "both") else [checkpoint],
        "tasks": tasks,
        "steps": steps,
        "data": data,
        "device": device,
    }
    protocols = [Overrides.of({**fixed, **one}) for one in combinations(choices)]
    reports = [ask(EVALUATE, EvaluateRequest(run=str(found.path), overrides=one)) for one in protocols]
    if as_json:
        emit_json(reports[0] if len(reports) == 1 else reports)
    elif len(reports) == 1:
        (report,) = reports
        emit_result(result_tables(config, report.measurements, report.fingerprint, room(), data))
    else:
        emit_table(*protocol_table(choices, reports, config.evaluation.eval_steps))
        emit_notes(protocol_notes(choices, reports))


def _several(name: str, text: str | None, known: tuple[str, ...]) -> tuple[object, ...]:
    """Return the values in a text with commas, which must be `known` or whole numbers; nothing of no text."""
    parts = [] if text is None else [part.strip() for part in text.split(",")]
    try:
        return tuple(dict.fromkeys(known[known.index(part)] if known else int(part) for part in parts))
    except ValueError as error:
        wanted = " or ".join(known) or "whole numbers"
        raise UsageError(f"--{name} {text}: choose {wanted}, with commas between several") from error
