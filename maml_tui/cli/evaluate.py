"""`maml eval`: measure a run's checkpoints by a protocol of one's own, in a process of its own."""

from __future__ import annotations

import enum
import json
import subprocess
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer
from pydantic import ValidationError

from engine.config.record import read_record
from engine.errors import DivergedError, MamlError, ResourceError, UsageError
from engine.runs.index import find_run
from engine.runs.result import Measured
from maml_tui.cli.output import emit_json, emit_result
from maml_tui.cli.reference import NamedRun  # noqa: TC001 - typer reads it
from maml_tui.results import result_table

if TYPE_CHECKING:
    from engine.runs.directory import RunDirectory

app = typer.Typer()

_ERRORS = {error.exit_code: error for error in (UsageError, ResourceError, DivergedError)}


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
        emit_json(report)
    else:
        measured = [_read(one) for one in report["measurements"]]
        config = read_record(found.config).resolved.config
        emit_result(result_table(config, measured, report["fingerprint"]))


def measure(run: RunDirectory, overrides: dict[str, Any]) -> dict[str, Any]:
    """Run the evaluator and return what it reports.

    Raises:
        MamlError: In the evaluator's own words and with its exit code.
    """
    command = [sys.executable, "-P", "-m", "engine.evaluation", str(run.path), json.dumps(overrides)]
    ended = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if ended.returncode != 0:
        words = ended.stderr.strip().splitlines() or [
            f"the evaluation ended with exit status {ended.returncode}"
        ]
        raise _ERRORS.get(ended.returncode, MamlError)(words[-1])
    report: dict[str, Any] = json.loads(ended.stdout)
    return report


def _read(one: object) -> Measured:
    try:
        return Measured.model_validate(one)
    except ValidationError as error:
        raise MamlError(f"the evaluation's report cannot be understood: {error}") from error
