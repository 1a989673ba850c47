"""Our numbers beside published ones, and whether their intervals overlap."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from maml_tui.published import published
from maml_tui.wording import MISSING, metric_value, with_interval

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.config.schema import RunConfig
    from engine.runs.events import AtStep
    from engine.runs.result import Measured
    from maml_tui.published import Published

COMPARISON_COLUMNS = ("task", "iterations", "algorithm", "step", "ours", "published", "verdict", "source")

StepTable = tuple[tuple[str, ...], list[tuple[str, ...]]]
"""Headings and rows."""


@dataclass(frozen=True)
class Cell:
    """One network measured on one kind of tasks.

    Attributes:
        config: What it was trained with.
        shots: Support examples K that it was measured with.
        measured: What was measured; None where the run is not complete.
    """

    config: RunConfig
    shots: int
    measured: Measured | None

    @property
    def task(self) -> str:
        """The tasks in words."""
        ways = "" if self.config.is_regression else f"{self.config.task.ways}-way "
        return f"{self.config.task.data} {ways}{self.shots}-shot"

    @property
    def algorithm(self) -> str:
        """What it was trained by."""
        return self.config.algorithm.algorithm

    @property
    def steps(self) -> tuple[AtStep, ...]:
        """The metric after every inner step; nothing where it was not measured."""
        return self.measured.measurement.series if self.measured else ()

    def published(self, step: int) -> list[Published]:
        """Return what was published for it after `step` inner steps."""
        config = self.config
        ways = None if config.is_regression else config.task.ways
        scored = step == config.evaluation.eval_steps
        return published(config.task.data, ways, self.shots, self.algorithm, step, scored=scored)


def verdict(metric: str, at: AtStep, entry: Published) -> str:
    """Say how our interval lies to the published one: `overlap`, or ours is `better` or `worse`.

    A number without an interval is one point; a range is taken as it is.
    """
    if not math.isfinite(at.mean):
        return "not finite"
    unit = 100.0 if metric == "accuracy" else 1.0
    mean, half_width = unit * at.mean, unit * (at.ci95 if math.isfinite(at.ci95) else 0.0)
    low, high = entry.interval
    if mean - half_width <= high and low <= mean + half_width:
        return "overlap"
    return "better" if (mean > high) == (metric == "accuracy") else "worse"


def comparison(cells: Sequence[Cell]) -> list[tuple[str, ...]]:
    """Return a row for every published number, in the order of `COMPARISON_COLUMNS`."""
    return [
        (
            cell.task,
            str(cell.config.training.iterations),
            cell.algorithm,
            str(step),
            with_interval(cell.config.metric, cell.steps[step].mean, cell.steps[step].ci95)
            if cell.steps
            else MISSING,
            str(entry),
            verdict(cell.config.metric, cell.steps[step], entry) if cell.steps else MISSING,
            entry.source,
        )
        for cell in cells
        for step in range(cell.config.evaluation.curve_steps + 1)
        for entry in cell.published(step)
    ]


def protocol_notes(cells: Sequence[Cell]) -> list[str]:
    """Return sentences on how the cells of one task were measured; none where none was."""
    protocols = {cell.algorithm: cell.measured.measurement.protocol for cell in cells if cell.measured}
    notes = []
    for protocol in protocols.values():
        per = "in all" if protocol.ways is None else "per class"
        mode = f", {protocol.mode}" if protocol.mode else ""
        tasks = f"{protocol.tasks:,} {protocol.split} tasks of seed {protocol.seed}"
        notes.append(f"measured on {tasks}, queries {per}: {protocol.queries}{mode}")
    notes += [
        f"{algorithm}: fine-tuned with step size {protocol.step_size:g}, chosen on validation"
        for algorithm, protocol in protocols.items()
        if protocol.step_size is not None
    ]
    return list(dict.fromkeys(notes))


def step_table(cells: Sequence[Cell]) -> StepTable:
    """Return headings and a row per inner step: mean, median and diverged tasks of several cells side by side."""
    measured = [cell for cell in cells if cell.steps]
    columns = ("step", *(heading for cell in measured for heading in (cell.algorithm, "median", "diverged")))
    rows = [
        (
            str(step),
            *(text for cell in measured for text in _texts(cell.config.metric, cell.steps[step])),
        )
        for step in range(min((len(cell.steps) for cell in measured), default=0))
    ]
    return columns, rows


def _texts(metric: str, at: AtStep) -> tuple[str, str, str]:
    return with_interval(metric, at.mean, at.ci95), metric_value(metric, at.median), str(at.diverged)
