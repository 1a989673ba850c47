"""Results as tables: a row per inner step beside what others published, or a row per protocol. Pure functions."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING

from maml_tui.reports.published import Published, published
from maml_tui.reports.text_table import table_width
from maml_tui.reports.wording import metric_name, metric_value, with_interval

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from engine.config.schema import RunConfig
    from engine.runs.events import Protocol
    from engine.runs.result import Measured
    from engine.services.messages import EvaluationReport


INTERVAL_NOTE = "± half of the 95 % confidence interval of the mean over all tasks, diverged ones included"


@dataclass(frozen=True)
class ResultTable:
    """A table of text.

    Attributes:
        rows: One row per inner step, cells in the order of `columns`.
        scored: Index of the row that the run is judged by.
        notes: Sentences to stand below: how it was measured, what the signs mean, what others found.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    scored: int
    notes: tuple[str, ...]

    @property
    def width(self) -> int:
        """Cells that a line of it takes, without the notes."""
        return table_width((self.columns, *self.rows))


def result_tables(
    config: RunConfig,
    measured: Sequence[Measured],
    fingerprint: Mapping[str, str],
    width: int,
    other_data: str | None = None,
) -> tuple[ResultTable, ...]:
    """Return the brief table of `result_table`, or, where it is wider than `width`, one for each measurement.

    These are to stand one below the other; the notes on all of them are those of the last.
    """
    whole = result_table(config, measured, fingerprint, other_data, brief=True)
    if whole.width <= width or _best_is_last(measured):
        return (whole,)
    single = [result_table(config, [one], fingerprint, other_data, brief=True) for one in measured]
    return (*(replace(table, notes=()) for table in single[:-1]), replace(single[-1], notes=whole.notes))


def result_table(
    config: RunConfig,
    measured: Sequence[Measured],
    fingerprint: Mapping[str, str],
    other_data: str | None = None,
    *,
    brief: bool = False,
) -> ResultTable:
    """Return the table of measurements that share one protocol.

    Args:
        measured: The measurements, one or more, a group of columns each.
        other_data: The data set they were made on, if it is not the run's own: nobody published on that.
        brief: Whether to leave out what the notes say: that no task diverged, and the last parameters a second time
            where they are the best.
    """
    protocol = measured[0].measurement.protocol
    scored = config.evaluation.scored_step(protocol.steps)
    steps = range(protocol.steps + 1)
    literature = [[] if other_data else _published(config, protocol, step, scored) for step in steps]
    named = {network_name(one): one for one in measured}
    if brief and _best_is_last(measured):
        named = {"best = last": measured[0]}
    groups = [_columns(name, one, brief) for name, one in named.items()]
    if any(literature):  # beside the parameters that it is to be compared with
        groups[0]["published"] = [str(found[0]) if found else "" for found in literature]
    numbers = [f"{step}{'*' if step == scored else ''}" for step in steps]
    columns = [column for group in groups for column in group.values()]
    return ResultTable(
        columns=("step", *(heading for group in groups for heading in group)),
        rows=tuple(zip(numbers, *columns, strict=True)),
        scored=scored,
        notes=(
            *_describe(protocol, scored, fingerprint),
            *([f"trained on {config.task.data}, measured on {other_data}"] if other_data else []),
            *_explain(named),
            *_credit(literature, scored),
        ),
    )


def network_name(one: Measured) -> str:
    """Return in words whose parameters were measured: `best`, `last`, `ensemble of 5`."""
    return f"ensemble of {len(one.members)}" if one.members else one.checkpoint


def _best_is_last(measured: Sequence[Measured]) -> bool:
    """Return whether the best parameters and the last ones were measured, and are the same."""
    names = [one.checkpoint for one in measured]
    return names == ["best", "last"] and measured[0].iteration == measured[1].iteration


def _columns(name: str, one: Measured, brief: bool) -> dict[str, list[str]]:
    """Return the columns of one measurement, a cell per step."""
    metric, series = one.measurement.metric, one.measurement.series
    columns = {f"{name} {metric_name(metric)}": [with_interval(metric, at.mean, at.ci95) for at in series]}
    if metric != "accuracy":
        columns["median"] = [metric_value(metric, at.median) for at in series]
    if not brief or _any_diverged(one):
        columns["diverged"] = [str(at.diverged) for at in series]
    return columns


def _any_diverged(one: Measured) -> bool:
    return any(at.diverged for at in one.measurement.series)


def _published(config: RunConfig, protocol: Protocol, step: int, scored: int) -> list[Published]:
    return published(
        config.task.data,
        protocol.ways,
        protocol.shots,
        config.algorithm.algorithm,
        step,
        scored=step == scored,
    )


def _describe(protocol: Protocol, scored: int, fingerprint: Mapping[str, str]) -> tuple[str, str]:
    ways = "" if protocol.ways is None else f"{protocol.ways}-way "
    per = "in all" if protocol.ways is None else "per class"
    queries = "query" if protocol.queries == 1 else "queries"
    episodes = f"{ways}{protocol.shots}-shot, {protocol.queries} {queries} {per}"
    made = [
        f"task seed {protocol.seed}",
        *([protocol.mode] if protocol.mode else []),
        *(f"{name} {value[:8]}" for name, value in fingerprint.items()),
    ]
    return (
        f"* scored after {scored} inner steps; {protocol.tasks:,} {protocol.split} tasks, {episodes}",
        ", ".join(made),
    )


def _explain(named: Mapping[str, Measured]) -> tuple[str, str]:
    checkpoints = (
        f"{name}: {_origin(one)}{_fine_tuning(one)}{'' if _any_diverged(one) else ', no task diverged'}"
        for name, one in named.items()
    )
    return "; ".join(checkpoints), INTERVAL_NOTE


def _origin(one: Measured) -> str:
    if one.checkpoint == "ensemble":
        predicted = "probabilities" if one.measurement.metric == "accuracy" else "values"
        iterations = ", ".join(f"{iteration:,}" for iteration in one.members)
        return f"the mean of the {predicted} that the best on validation predict, iterations {iterations}"
    chosen = "chosen on validation" if one.checkpoint == "best" else "the last parameters"
    return f"{chosen}, iteration {one.iteration:,}"


def _fine_tuning(one: Measured) -> str:
    size = one.measurement.protocol.step_size
    return "" if size is None else f", fine-tuned with step size {size:g}, chosen on validation"


def _credit(literature: Sequence[Sequence[Published]], scored: int) -> list[str]:
    shown = next((found[0] for found in literature if found), None)
    if shown is None:
        return []
    others = [f"{entry.source} {entry}" for entry in literature[scored][1:]]
    also = f"; at step {scored} also {', '.join(others)}" if others else ""
    return [f"published: {shown.source}{also}"]


Choices = dict[str, tuple[object, ...]]
"""What to measure by: for each name of an override the values wanted, one after the other."""


def combinations(choices: Choices) -> Iterator[dict[str, object]]:
    """Yield every combination of the choices, the last one varying fastest."""
    return (dict(zip(choices, values, strict=True)) for values in product(*choices.values()))


def protocol_table(
    choices: Choices, reports: Sequence[EvaluationReport], scored: int
) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Return headings and rows.

    Args:
        choices: What was asked for; what has several values is a column.
        reports: What was found, in the order of `combinations`.
    """
    varied = [name for name, values in choices.items() if len(values) > 1]
    metric = reports[0].measurements[0].measurement.metric
    median = () if metric == "accuracy" else ("median",)
    columns = (*varied, "checkpoint", "step", metric_name(metric), *median, "diverged")
    rows = [
        (*(str(asked[name]) for name in varied), *_protocol_cells(one, scored))
        for asked, report in zip(combinations(choices), reports, strict=True)
        for one in report.measurements
    ]
    return columns, rows


def protocol_notes(choices: Choices, reports: Sequence[EvaluationReport]) -> tuple[str, ...]:
    """Return sentences on what all rows share."""
    protocol = reports[0].measurements[0].measurement.protocol
    same = [
        f"{name} {value}"
        for name in ("split", "shots", "queries", "seed", "mode")
        if len(choices.get(name, ())) < 2 and (value := getattr(protocol, name)) is not None
    ]
    hashes = [f"{name} {value[:8]}" for name, value in reports[0].fingerprint.items()]
    data = [f"data {reports[0].data}"] if reports[0].data else []
    return ", ".join([f"{protocol.tasks:,} tasks", *data, *same, *hashes]), INTERVAL_NOTE


def _protocol_cells(one: Measured, scored: int) -> tuple[str, ...]:
    measurement = one.measurement
    step = min(scored, measurement.protocol.steps)
    at = measurement.series[step]
    median = () if measurement.metric == "accuracy" else (metric_value(measurement.metric, at.median),)
    value = with_interval(measurement.metric, at.mean, at.ci95)
    return network_name(one), str(step), value, *median, str(at.diverged)
