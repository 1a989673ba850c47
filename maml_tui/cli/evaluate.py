"""`maml eval`: measure a run's checkpoints by a protocol of one's own, in a process of its own."""

from __future__ import annotations

import enum
import json
from typing import Annotated

import typer

from engine.config.record import read_record
from engine.runs.index import find_run
from maml_tui.cli.output import emit_json, emit_result
from maml_tui.cli.reference import NamedRun  # noqa: TC001 - typer reads it
from maml_tui.comparing.measuring import measure
from maml_tui.results import result_table

app = typer.Typer()


class Checkpoint(enum.StrEnum):
    """Which parameters to measure."""

    BEST = "best"
    LATEST = "latest"
    BOTH = "both"


class Split(enum.StrEnum):
    """Which classes the tasks are made of."""

    TEST = "test"
    VAL = "val"


class Mode(enum.StrEnum):
    """Whether the queries of a task share normalisation statistics."""

    TRANSDUCTIVE = "transductive"
    INDUCTIVE = "inductive"


@app.command("eval", epilog="Example: maml eval @last --tasks 10000 --seed 7")
def evaluate(
    run: NamedRun,
    checkpoint: Annotated[Checkpoint, typer.Option(help="Whose parameters.")] = Checkpoint.BOTH,
    split: Annotated[Split, typer.Option(help="Which tasks.")] = Split.TEST,
    tasks: Annotated[int | None, typer.Option(help="How many tasks.")] = None,
    steps: Annotated[int | None, typer.Option(help="Up to which inner step.")] = None,
    shots: Annotated[int | None, typer.Option(help="Support examples K.")] = None,
    queries: Annotated[int | None, typer.Option(help="Query examples.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of the tasks.")] = None,
    mode: Annotated[Mode | None, typer.Option(help="Normalise queries together, or each alone.")] = None,
    device: Annotated[str | None, typer.Option(envvar="MAML_DEVICE", help="The run's if left out.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Measure a run's checkpoints on tasks it has not seen.

    What is left out is as in the run's configuration. The run itself is not touched.
    """
    found = find_run(run)
    both = checkpoint is Checkpoint.BOTH
    overrides = {
        "checkpoint": None if both else [checkpoint],
        "split": split,
        "tasks": tasks,
        "steps": steps,
        "shots": shots,
        "queries": queries,
        "seed": seed,
        "mode": mode,
        "device": device,
    }
    report = measure(found, {key: value for key, value in overrides.items() if value is not None})
    if as_json:
        emit_json(json.loads(report.model_dump_json()))
    else:
        config = read_record(found.config).resolved.config
        emit_result(result_table(config, report.measurements, report.fingerprint))
