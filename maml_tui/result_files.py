"""What a run was and found, as the text of files: TOML, CSV, JSON, Markdown. Pure functions."""

from __future__ import annotations

import csv
import io
import json
import math
from typing import TYPE_CHECKING, Any

from engine.runs.events import EvaluationEvent, TrainEvent

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from engine.runs.events import Event
    from maml_tui.results import ResultTable

METRIC_COLUMNS = (
    *("time", "kind", "checkpoint", "iteration", "step", "loss", "accuracy", "ci95", "median", "diverged"),
    *("tasks", "grad_norm", "iterations_per_second"),
)
"""Of the table of metrics; `ci95` and `median` are of the metric that the run is judged by."""


def metric_rows(events: Iterable[Event]) -> Iterator[dict[str, Any]]:
    """Yield a row per reported meta-update, and per inner step of every evaluation, by `METRIC_COLUMNS`."""
    for event in events:
        if isinstance(event, TrainEvent):
            measured = {name: getattr(event, name) for name in METRIC_COLUMNS if hasattr(event, name)}
            yield {**measured, "kind": "train"}
        elif isinstance(event, EvaluationEvent):
            yield from _evaluated(event)


def _evaluated(event: EvaluationEvent) -> Iterator[dict[str, Any]]:
    measurement = event.measurement
    for step, (at, loss) in enumerate(zip(measurement.series, measurement.loss, strict=True)):
        yield {
            "time": event.time,
            "kind": event.split,
            "checkpoint": event.checkpoint,
            "iteration": event.iteration,
            "step": step,
            "loss": loss.mean,
            "accuracy": None if measurement.accuracy is None else at.mean,
            "ci95": at.ci95,
            "median": at.median,
            "diverged": at.diverged,
            "tasks": measurement.protocol.tasks,
        }


def to_csv(columns: Sequence[str], rows: Iterable[Iterable[object]]) -> str:
    """Return lines of cells under a line of headings; None is an empty cell."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return out.getvalue()


def to_json(value: object) -> str:
    """Return indented JSON; numbers that are not finite become null, which JSON has."""
    return json.dumps(_finite(value), indent=1, ensure_ascii=False) + "\n"


def to_markdown(table: ResultTable) -> str:
    """Return a result table with the row that the run is judged by in bold, and its notes as a list."""
    rows = [
        [f"**{cell.rstrip('*')}**" if cell and number == table.scored else cell for cell in row]
        for number, row in enumerate(table.rows)
    ]
    lines = [table.columns, ["--"] * len(table.columns), *rows]
    text = "".join(f"| {' | '.join(_escaped(cell) for cell in line)} |\n" for line in lines)
    return text + "\n" + "".join(f"- {_escaped(note)}\n" for note in table.notes)


def _escaped(cell: str) -> str:
    return cell.replace("|", r"\|").removeprefix("* ")


def _finite(value: object) -> object:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {name: _finite(part) for name, part in value.items()}
    return [_finite(part) for part in value] if isinstance(value, list | tuple) else value
