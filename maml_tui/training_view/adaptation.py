"""How far the inner loop takes a task: the metric before adaptation and after every step."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from maml_tui.plotting.gauges import bar
from maml_tui.training_view.lines import Line, Panel
from maml_tui.training_view.metrics import newest_validation
from maml_tui.wording import metric_name, with_interval

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.runs.events import AtStep, EvaluationEvent
    from maml_tui.plotting.charset import Charset
    from maml_tui.training_view.scene import Scene

_LONGEST_BAR = 60


def adaptation(scene: Scene, width: int, height: int) -> Panel:
    """Return a bar per inner step: of the test tasks once they were measured, of the newest validation before."""
    event = _newest(scene)
    if event is None:
        metric = "MSE" if scene.watch.config.is_regression else "accuracy"
        lines = (f"{metric} after every inner step,", "as soon as it was validated")
        return Panel("Adaptation", [((line, "dim"),) for line in lines])
    metric, series = event.measurement.metric, event.measurement.series
    whose = "" if event.checkpoint == "current" else f" {event.checkpoint}"
    title = f"Adaptation · {event.split}{whose} at {event.iteration:,} · {metric_name(metric)}"
    scored = min(scene.watch.config.evaluation.eval_steps, len(series) - 1)
    shown = [series[step] for step in chosen_steps(len(series), scored, height)]
    return Panel(title, bars(shown, metric, scored, width, scene.charset))


def bars(shown: Sequence[AtStep], metric: str, scored: int, width: int, charset: Charset) -> list[Line]:
    """Return a line per step: its number (starred if it is the scored one), a bar, the mean with its interval."""
    values = [with_interval(metric, at.mean, at.ci95) for at in shown]
    room = max(map(len, values))
    long = max(1, min(_LONGEST_BAR, width - room - 6))
    full = (
        1.0 if metric == "accuracy" else max((at.mean for at in shown if math.isfinite(at.mean)), default=1.0)
    )
    return [
        (
            (f"{at.step:>2}{'*' if at.step == scored else ' '} ", "strong" if at.step == scored else ""),
            (bar(at.mean / full if full else 0.0, long, charset), "good"),
            (f"  {value:>{room}}", "strong" if at.step == scored else ""),
        )
        for at, value in zip(shown, values, strict=True)
    ]


def chosen_steps(count: int, scored: int, rows: int) -> list[int]:
    """Return at most `rows` (2 or more) of the steps 0 to count - 1: first, scored and last one among them."""
    if count <= rows:
        return list(range(count))
    spread = {round(step) for step in np.linspace(0, count - 1, max(2, rows))}
    if scored not in spread and rows > 2:
        spread.remove(min(spread - {0, count - 1}, key=lambda step: abs(step - scored)))
        spread.add(scored)
    return sorted(spread)


def _newest(scene: Scene) -> EvaluationEvent | None:
    tests = scene.watch.history.tests
    return tests[0] if tests else newest_validation(scene)
