"""The two figures of the paper's section 5.1: errors against gradient steps, and curves before and after some."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np

from engine.runs.checkpoints import Label, read_pointer
from engine.services.client import conversation
from engine.services.explore_messages import EXPLORE, CurveAnswer, ExploreRequest
from maml_tui.plotting.series import Plot, Series, Stroke

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from engine.runs.directory import RunDirectory
    from maml_tui.reports.reproduce.cells import Cell

SHOWN_STEPS = (1, 10)
"""Inner steps after which the curves are drawn, besides before adaptation."""

# The curve of the figure: its phase and points are those of the first test task, its height is one that shows.
_AMPLITUDE = 4.0

_ROOM = 1.25
_STROKES = (Stroke.SOLID, Stroke.DASHED, Stroke.DOTTED)


def error_plot(cells: Sequence[Cell]) -> Plot:
    """Draw the mean squared error of several networks on the same tasks against gradient steps (figure 3).

    The axis ends a little above the error before adaptation: what a few diverged tasks add must not flatten the rest.
    """
    series = []
    for slot, cell in enumerate(cells):
        mean, ci95 = (np.array([getattr(at, name) for at in cell.steps]) for name in ("mean", "ci95"))
        stroke = _STROKES[slot % len(_STROKES)]
        steps = np.arange(len(mean), dtype=np.float64)
        series.append(Series(cell.algorithm, steps, mean, mean - ci95, mean + ci95, slot, stroke))
    before = [cell.steps[0].mean for cell in cells]
    return Plot(
        tuple(series),
        y_range=(0.0, _ROOM * float(np.nanmax(before))),
        title=f"{cells[0].task}: error on new curves",
        x_label="gradient steps",
        y_label="mean squared error",
    )


def curves_plot(answer: CurveAnswer, algorithm: str) -> Plot:
    """Draw the network before and after some gradient steps beside the truth (figure 2)."""
    x = np.array(answer.x)
    support = np.array(answer.support_x), np.array(answer.support_y)
    after = [
        Series(f"after {step}", x, np.array(answer.predictions[step]), slot=slot, stroke=stroke)
        for slot, (step, stroke) in enumerate(zip(SHOWN_STEPS, (Stroke.DASHED, Stroke.SOLID), strict=True), 3)
    ]
    highest = _ROOM * float(max(np.abs(answer.truth).max(), np.abs(answer.support_y).max()))
    return Plot(
        (
            Series("truth", x, np.array(answer.truth), slot=0),
            Series("before", x, np.array(answer.predictions[0]), slot=2, stroke=Stroke.DOTTED),
            *after,
            Series(f"K = {len(support[0])}", *support, slot=1, stroke=Stroke.POINTS),
        ),
        x_range=(answer.x[0], answer.x[-1]),
        y_range=(-highest, highest),
        title=f"{algorithm}, K = {len(support[0])}: y = {answer.amplitude:.3g} sin(x - {answer.phase:.3g})",
        x_label="x",
        y_label="y",
    )


def adapted_curves(
    run: RunDirectory, shots: Sequence[int], environment: Mapping[str, str]
) -> list[CurveAnswer]:
    """Adapt to the first test curve from each number of points, in a process of its own.

    Raises:
        MamlError: The process cannot do it; in its own words.
    """
    best: Label = "best" if read_pointer(run, "best") else "latest"
    asked = ExploreRequest(
        run=str(run.path),
        checkpoint=best,
        split="test",
        task=0,
        steps=max(SHOWN_STEPS),
        shots=1,
        queries=1,
        amplitude=_AMPLITUDE,
    )
    with conversation(EXPLORE, environment) as talk:
        answers = [talk(asked.model_copy(update={"shots": k, "queries": k})) for k in shots]
    return cast("list[CurveAnswer]", answers)
