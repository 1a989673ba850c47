"""One table row per evaluation, as wide as there is room. Pure functions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maml_tui.wording import metric_name, metric_value, with_interval

if TYPE_CHECKING:
    from engine.runs.events import EvaluationEvent

_WIDTHS = {
    "iteration": 10,
    "split": 10,
    "metric": 17,
    "best so far": 17,
    "tasks": 7,
    "loss": 9,
    "patience": 8,
}


def heading(metric: str, width: int) -> str:
    """Return the line of headings."""
    return _join(["iteration", "split", f"{metric_name(metric)} ± CI95", *list(_WIDTHS)[3:]], width)


def row(event: EvaluationEvent, scored: int, width: int) -> str:
    """Return the row of an evaluation.

    Args:
        event: The evaluation.
        scored: Inner steps after which runs are scored.
        width: Columns there are; columns on the right are left out where they are few.
    """
    measurement = event.measurement
    step = min(scored, measurement.protocol.steps)
    at = measurement.series[step]
    star = " *" if event.improved else ""
    cells = [
        f"{event.iteration:,}",
        event.split if event.checkpoint == "current" else f"{event.split} {event.checkpoint}",
        with_interval(measurement.metric, at.mean, at.ci95) + star,
        ""
        if event.best is None
        else f"{metric_value(measurement.metric, event.best)} @{event.best_iteration:,}",
        f"{measurement.protocol.tasks:,}",
        metric_value("loss", measurement.loss[step].mean),
        "" if event.patience_left is None else f"{event.patience_left} left",
    ]
    return _join(cells, width)


def _join(cells: list[str], width: int) -> str:
    line = ""
    for cell, room in zip(cells, _WIDTHS.values(), strict=True):
        if len(line) + room > width and line:
            break
        line += f"{cell:<{room}} "
    return line.rstrip()
