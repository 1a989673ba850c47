"""What `maml export` writes beside the parameters: metrics and results as CSV, JSON or Markdown, and the model card."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any

import pydantic_core

from engine.runs.events import EvaluationEvent, Event, TrainEvent
from maml_tui.reports.results import ResultTable, result_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from engine.config.schema import RunConfig
    from engine.services.apply_messages import Facts


METRIC_COLUMNS = (
    *("time", "kind", "checkpoint", "iteration", "step", "loss", "accuracy", "ci95", "median", "diverged"),
    *("tasks", "grad_norm", "iterations_per_second"),
)
"""Of the table of metrics; `ci95` and `median` are of the metric that the run is judged by."""


def metric_rows(events: Iterable[Event]) -> Iterator[dict[str, Any]]:
    """Yield a row per reported meta-update, and per inner step of every evaluation, by `METRIC_COLUMNS`."""
    for event in events:
        if isinstance(event, TrainEvent):
            yield {name: getattr(event, name, None) for name in METRIC_COLUMNS} | {"kind": "train"}
        elif isinstance(event, EvaluationEvent):
            yield from _evaluated(event)


def _evaluated(event: EvaluationEvent) -> Iterator[dict[str, Any]]:
    measurement = event.measurement
    for step, (at, loss) in enumerate(zip(measurement.series, measurement.loss, strict=True)):
        yield dict.fromkeys(METRIC_COLUMNS) | {
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


def json_value(value: object) -> Any:  # noqa: ANN401 - whatever JSON has
    """Return a value as JSON has it: records are objects, numbers that are not finite become null."""
    return json.loads(pydantic_core.to_json(value, inf_nan_mode="null"))


def to_json(value: object) -> str:
    """Return `json_value` as indented JSON."""
    return json.dumps(json_value(value), indent=1, ensure_ascii=False) + "\n"


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


def model_card(facts: Facts, config: RunConfig, file: str) -> str:
    """Return the model card, in Markdown."""
    return "\n".join(
        (
            f"# {facts.name}\n",
            _what(facts, config),
            "## Use\n",
            _use(config, file),
            "## Results\n",
            _results(facts, config),
            "## Configuration\n",
            f"```toml\n{facts.config}```\n",
            "## Provenance\n",
            _provenance(facts),
        )
    )


def _what(facts: Facts, config: RunConfig) -> str:
    task = config.task
    ways = "" if config.is_regression else f"{task.ways}-way "
    return (
        f"{facts.parameters:,} parameters learned by {config.algorithm.algorithm} on {ways}{task.shots}-shot tasks of "
        f"{config.data_name}: the {facts.checkpoint} checkpoint, after {facts.iteration:,} meta-updates. They are a "
        "starting point, from which a few gradient steps on a few examples lead to a model of a new task.\n"
    )


def _use(config: RunConfig, file: str) -> str:
    support, query = ("points.csv", "xs.csv") if config.is_regression else ("support/", "query/")
    needed = (
        "`points.csv` has a line x,y for each known point, `xs.csv` a line x for each value to predict."
        if config.is_regression
        else f"`support/` has a folder of pictures for each of {config.task.ways} new classes; `query/` has "
        "pictures to tell apart."
    )
    return (
        f"```bash\nmaml adapt {file} --support {support} --query {query}\n```\n\n{needed} "
        f"Adaptation takes {config.evaluation.eval_steps} gradient steps unless `--steps` says otherwise. The file "
        "is read by any program that reads safetensors; its metadata repeat what stands here.\n"
    )


def _results(facts: Facts, config: RunConfig) -> str:
    if not facts.measurements:
        return "These parameters were not measured on test tasks before they were exported.\n"
    return to_markdown(result_table(config, facts.measurements, facts.fingerprint))


def _provenance(facts: Facts) -> str:
    tables: dict[str, Mapping[str, str]] = {
        "parameters": {"sha256": facts.sha256},
        "preset": facts.preset,
        "fingerprint": facts.fingerprint,
        "version": facts.versions,
        "place": facts.place,
    }
    lines = [
        f"- {table} {name}: `{value}`\n"
        for table, entries in tables.items()
        for name, value in entries.items()
    ]
    return "".join(lines)
