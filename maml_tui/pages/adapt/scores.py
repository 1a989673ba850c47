"""Adaptation in numbers: the curve of a regression task as a plot, and the score after every inner step."""

from __future__ import annotations

import math
import textwrap
from typing import TYPE_CHECKING

import numpy as np

from engine.services.explore_messages import CurveAnswer, Exploration
from maml_tui.pages.adapt.cell_grid import CellGrid, Tone
from maml_tui.plotting.glyphs import bar
from maml_tui.plotting.series import Plot, Series, Stroke
from maml_tui.reports.wording import metric_value

if TYPE_CHECKING:
    from maml_tui.pages.adapt.selection import Selection
    from maml_tui.plotting import Charset


_ROOM = 1.25  # how much higher than the curve the plot is


def curve_plot(answer: CurveAnswer, step: int, charset: Charset, baseline: CurveAnswer | None = None) -> Plot:
    """Draw what the network says after an inner step; step 0 is before adaptation.

    `baseline` is what a pretrained network makes of the same task in as many steps, if that is known.
    """
    x = np.array(answer.x)
    truth = Series("truth", x, np.array(answer.truth), slot=0, stroke=Stroke.DASHED)
    support = np.array(answer.support_x), np.array(answer.support_y)
    points = Series(f"K = {len(answer.support_x)}", *support, slot=1, stroke=Stroke.POINTS)
    before = Series("before", x, np.array(answer.predictions[0]), slot=2, stroke=Stroke.DOTTED)
    after = Series(f"step {step}", x, np.array(answer.predictions[step]), slot=3)
    networks = (before, after) if step else (before,)
    if baseline:
        said, stroke = np.array(baseline.predictions[step]), Stroke.DASH_DOTTED
        networks = (Series("pretrained", x, said, slot=4, stroke=stroke), *networks)
    return Plot(
        # Drawn in this order: the points lie on top.
        (truth, *networks, points),
        x_range=(answer.x[0], answer.x[-1]),
        y_range=_y_range(answer, baseline),
        charset=charset,
        title=f"Adaptation to y = {answer.amplitude:.3g} sin(x - {answer.phase:.3g})",
        x_label="x",
        y_label="y",
    )


def _y_range(answer: CurveAnswer, baseline: CurveAnswer | None) -> tuple[float, float]:
    """Return a range that is the same for all steps, so that going through them moves the network's curve alone.

    It holds the truth, and what the networks say unless that is far off: a diverged step must not flatten the rest.
    """
    truth = np.abs(answer.truth).max()
    said = np.abs(np.array([*answer.predictions, *(baseline.predictions if baseline else ())]))
    near = said[said <= 2 * truth]
    highest = _ROOM * max(truth, near.max(initial=0.0), np.abs(answer.support_y).max())
    return (-highest, highest) if highest > 0 else (-1.0, 1.0)


_VALUE = 10  # columns of a value
_BESIDE = _VALUE + 1  # columns of a value that stands beside another one


def draw_scores(
    answer: Exploration,
    selection: Selection,
    width: int,
    height: int,
    *,
    charset: Charset,
    baseline: tuple[float, ...] | None = None,
    remark: str = "",
) -> CellGrid:
    """Write what there is room for: the shown step, the task, a bar for each step. The shown one stands out.

    Args:
        width: Columns, at least 1.
        height: Rows, at least 1. Where there are fewer than all need, the bars of the nearest steps are written.
        baseline: The same scores of a pretrained network; empty while they are not known, None without one.
        remark: A sentence to write below, unless there is no room for all of it.
    """
    grid = CellGrid.blank(width, height)
    metric, values = scores(answer)
    step = min(selection.step, len(values) - 1)
    told = f"step {step}/{len(values) - 1}: {score_text(metric, values[step])}"
    for row, text in enumerate((told, *_task(answer, selection))):
        grid.write(row, 0, text, Tone.TEXT if row else Tone.NAME)
    top = row + 2
    first = min(max(0, step - (height - top) // 2), max(0, len(values) - (height - top)))
    # Beside a label such as `▸10 ` there must be room for two values.
    beside = baseline is not None and width >= len(f"▸{len(values) - 1} ") + _VALUE + _BESIDE
    for row, number in enumerate(range(first, len(values)), top):
        room = width - _BESIDE if beside else width
        _write_bar(grid, row, (metric, values), number, charset, room, shown=number == step)
    if baseline is not None and beside:
        column = ("pretrained", *(metric_value(metric, value) for value in baseline[first:]))
        for row, text in enumerate(column, top - 1):
            tone = Tone.NAME if row == top + step - first else Tone.TEXT
            grid.write(row, width - _BESIDE, f"{text:>{_BESIDE}}", tone)
    _write_below(grid, top + len(values) + 1, remark)
    return grid


def scores(answer: Exploration) -> tuple[str, tuple[float, ...]]:
    """Return the metric and its values after 0, 1, ... inner steps."""
    return ("mse", answer.loss) if isinstance(answer, CurveAnswer) else ("accuracy", answer.accuracy)


def score_text(metric: str, value: float) -> str:
    """Write a score with its metric: `mse 0.1234`, `96.00 %`."""
    return f"mse {metric_value(metric, value)}" if metric == "mse" else f"{metric_value(metric, value)} %"


def _task(answer: Exploration, selection: Selection) -> tuple[str, str]:
    number = f"{selection.split} task {selection.task + 1:,}"
    if isinstance(answer, CurveAnswer):
        size = f"K {selection.shots}  A {answer.amplitude:.2f}  phase {answer.phase:.2f}"
        return (f"changed {number}" if selection.bent else f"{number} of {selection.tasks:,}"), size
    return f"{number} of {selection.tasks:,}", f"{len(answer.class_names)}-way {selection.shots}-shot"


def _write_below(grid: CellGrid, first: int, text: str) -> None:
    """Write a sentence into the last rows, from `first` on at the highest; nothing if it needs more."""
    height, width = grid.characters.shape
    lines = textwrap.wrap(text, width, break_on_hyphens=False)
    if height - len(lines) >= first:
        for row, line in enumerate(lines, height - len(lines)):
            grid.write(row, 0, line, Tone.DIM)


def _write_bar(
    grid: CellGrid,
    row: int,
    scored: tuple[str, tuple[float, ...]],
    step: int,
    charset: Charset,
    width: int,
    *,
    shown: bool,
) -> None:
    metric, values = scored
    tone = Tone.NAME if shown else Tone.TEXT
    label = f"{'▸' if shown else ' '}{step:>{len(str(len(values) - 1))}} "
    full = max(filter(math.isfinite, values), default=1.0) if metric == "mse" else 1.0
    # What is not finite is worse than all: a full bar for an error.
    share = values[step] / full if math.isfinite(values[step]) and full > 0 else float(metric == "mse")
    length = max(0, width - len(label) - _VALUE - 1)
    grid.write(row, 0, label, tone)
    grid.write(row, len(label), bar(share, length, charset), Tone.BAR)
    grid.write(row, max(len(label), width - _VALUE), f"{metric_value(metric, values[step]):>{_VALUE}}", tone)
