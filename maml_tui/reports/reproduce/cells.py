"""Our numbers beside published ones, and whether their intervals overlap."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from engine.runs.events import AtStep, Protocol
from engine.statistics.paired import critical_95
from maml_tui.reports.published import Published, published
from maml_tui.reports.wording import MISSING, metric_value, with_interval

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.config.schema import RunConfig
    from engine.runs.result import Measured


def over_seeds(curves: Sequence[Sequence[AtStep]]) -> tuple[AtStep, ...]:
    """Return the metric after every inner step over all seeds; a single seed's as it is, nothing of none.

    The seeds are the sample: each was trained anew and measured on tasks of its own, so that Student's t interval of
    the mean of their means covers both the training and the tasks. Medians are put together by their median,
    diverged tasks by their sum.
    """
    if len(curves) == 1:
        return tuple(curves[0])
    return tuple(_together(at) for at in zip(*curves, strict=True))


def _together(seeds: Sequence[AtStep]) -> AtStep:
    means = np.array([at.mean for at in seeds])
    with np.errstate(invalid="ignore"):
        error = float(means.std(ddof=1)) / math.sqrt(len(seeds))
    return AtStep(
        step=seeds[0].step,
        mean=float(means.mean()),
        ci95=critical_95(len(seeds) - 1) * error,
        median=float(np.median([at.median for at in seeds])),
        diverged=sum(at.diverged for at in seeds),
    )


_KEYS = ("task", "iterations", "seeds")

NUMBERS_COLUMNS = ("algorithm", "step", "ours", "published", "verdict", "source")

COMPARISON_COLUMNS = (*_KEYS, *NUMBERS_COLUMNS)
"""`seeds`: what each seed reaches, with a blank between them."""

StepTable = tuple[tuple[str, ...], list[tuple[str, ...]]]
"""Headings and rows."""


@dataclass(frozen=True)
class Cell:
    """One network, trained with one seed or several, measured on one kind of tasks.

    Attributes:
        config: What it was trained with; the first seed's.
        measured: What was measured of every seed whose run is complete.
    """

    config: RunConfig
    shots: int
    measured: tuple[Measured, ...]

    @property
    def task(self) -> str:
        """The tasks in words."""
        ways = "" if self.config.is_regression else f"{self.config.task.ways}-way "
        return f"{self.config.task.data} {ways}{self.shots}-shot"

    @property
    def algorithm(self) -> str:
        """What it was trained by."""
        return self.config.algorithm.algorithm

    @cached_property
    def steps(self) -> tuple[AtStep, ...]:
        """The metric after every inner step, over all seeds; nothing where it was not measured."""
        return over_seeds([one.measurement.series for one in self.measured])

    def of_seeds(self, step: int) -> list[str]:
        """Return the mean of every seed after `step` inner steps, in words."""
        return [metric_value(self.config.metric, one.measurement.series[step].mean) for one in self.measured]

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
            " ".join(cell.of_seeds(step)) or MISSING,
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
    seeds: dict[Protocol, list[str]] = {}
    sizes: dict[str, list[str]] = {}
    for cell in cells:
        for one in cell.measured:
            protocol = one.measurement.protocol
            seeds.setdefault(protocol.model_copy(update={"seed": 0, "step_size": None}), []).append(
                str(protocol.seed)
            )
            if protocol.step_size is not None:
                sizes.setdefault(cell.algorithm, []).append(f"{protocol.step_size:g}")
    notes = []
    for protocol, of in seeds.items():
        per = "in all" if protocol.ways is None else "per class"
        mode = f", {protocol.mode}" if protocol.mode else ""
        tasks = f"{protocol.tasks:,} {protocol.split} tasks of seed {_listed(of)}"
        notes.append(f"measured on {tasks}, queries {per}: {protocol.queries}{mode}")
    notes += [
        f"{algorithm}: fine-tuned with step size {_listed(of)}, chosen on validation"
        for algorithm, of in sizes.items()
    ]
    return notes


def _listed(words: Sequence[str]) -> str:
    return ", ".join(dict.fromkeys(words))


def step_table(cells: Sequence[Cell]) -> StepTable:
    """Return headings and a row per inner step: mean, median and diverged tasks of several cells side by side.

    Of several seeds every one's mean stands there too.
    """
    measured = [cell for cell in cells if cell.steps]
    columns = ("step", *(heading for cell in measured for heading in _headings(cell)))
    rows = [
        (str(step), *(text for cell in measured for text in _texts(cell, step)))
        for step in range(min((len(cell.steps) for cell in measured), default=0))
    ]
    return columns, rows


def _headings(cell: Cell) -> tuple[str, ...]:
    return (cell.algorithm, "median", "diverged", *(("each seed",) if len(cell.measured) > 1 else ()))


def _texts(cell: Cell, step: int) -> tuple[str, ...]:
    metric, at = cell.config.metric, cell.steps[step]
    each = (" ".join(cell.of_seeds(step)),) if len(cell.measured) > 1 else ()
    return with_interval(metric, at.mean, at.ci95), metric_value(metric, at.median), str(at.diverged), *each
