"""One run measured by several protocols: a table with a row for each."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

from maml_tui.reports.results import INTERVAL_NOTE, network_name
from maml_tui.reports.wording import metric_name, metric_value, with_interval

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from engine.runs.result import Measured
    from engine.services.messages import Report

Choices = dict[str, tuple[object, ...]]
"""What to measure by: for each name of an override the values wanted, one after the other."""


def combinations(choices: Choices) -> Iterator[dict[str, object]]:
    """Yield every combination of the choices, the last one varying fastest."""
    return (dict(zip(choices, values, strict=True)) for values in product(*choices.values()))


def protocol_table(
    choices: Choices, reports: Sequence[Report], scored: int
) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Return headings and rows.

    Args:
        choices: What was asked for; what has several values is a column.
        reports: What was found, in the order of `combinations`.
        scored: The inner step to show.
    """
    varied = [name for name, values in choices.items() if len(values) > 1]
    metric = reports[0].measurements[0].measurement.metric
    median = () if metric == "accuracy" else ("median",)
    columns = (*varied, "checkpoint", "step", metric_name(metric), *median, "diverged")
    rows = [
        (*(str(asked[name]) for name in varied), *_cells(one, scored))
        for asked, report in zip(combinations(choices), reports, strict=True)
        for one in report.measurements
    ]
    return columns, rows


def protocol_notes(choices: Choices, reports: Sequence[Report]) -> tuple[str, ...]:
    """Return sentences on what all rows share."""
    protocol = reports[0].measurements[0].measurement.protocol
    fixed: Mapping[str, object] = {
        "split": protocol.split,
        "shots": protocol.shots,
        "queries": protocol.queries,
        "seed": protocol.seed,
        "mode": protocol.mode,
    }
    same = [
        f"{name} {value}"
        for name, value in fixed.items()
        if len(choices.get(name, ())) < 2 and value is not None
    ]
    hashes = [f"{name} {value[:8]}" for name, value in reports[0].fingerprint.items()]
    data = [f"data {reports[0].data}"] if reports[0].data else []
    return (
        ", ".join([f"{protocol.tasks:,} tasks", *data, *same, *hashes]),
        INTERVAL_NOTE,
    )


def _cells(one: Measured, scored: int) -> tuple[str, ...]:
    measurement = one.measurement
    step = min(scored, measurement.protocol.steps)
    at = measurement.series[step]
    median = () if measurement.metric == "accuracy" else (metric_value(measurement.metric, at.median),)
    value = with_interval(measurement.metric, at.mean, at.ci95)
    return network_name(one), str(step), value, *median, str(at.diverged)
