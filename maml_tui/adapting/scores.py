"""The numbers beside the picture: which task this is, and how well it is told after every inner step."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from engine.adaptation.protocol import CurveAnswer
from maml_tui.plotting.charset import Charset
from maml_tui.plotting.gauges import bar
from maml_tui.wording import metric_name, metric_value

if TYPE_CHECKING:
    from engine.adaptation.protocol import PicturesAnswer
    from maml_tui.adapting.view import View

_VALUE = 10
"""Columns of a value."""


class Line(NamedTuple):
    """A line of text; a strong one stands out."""

    text: str
    strong: bool = False


def score_lines(
    answer: CurveAnswer | PicturesAnswer, view: View, size: tuple[int, int], charset: Charset
) -> list[Line]:
    """Return what fits: the task, then a bar for each step, those nearest to the shown one first to get room.

    Args:
        answer: What was found.
        view: What the person looks at.
        size: Width and height in cells.
        charset: Which characters the terminal can show.
    """
    width, height = size
    metric, values = _scores(answer)
    shown = f"step {view.step} of {len(values) - 1}: {metric_name(metric)} {metric_value(metric, values[view.step])}"
    head = [Line(shown, strong=True), *_task_lines(answer, view)]
    room = height - len(head) - 1
    if room < 1:
        return [Line(line.text[:width], line.strong) for line in head[:height]]
    bars = _bars(metric, values, view.step, width, charset)
    first = min(max(0, view.step - room // 2), max(0, len(bars) - room))
    return [*(Line(line.text[:width], line.strong) for line in head), Line(""), *bars[first : first + room]]


def _task_lines(answer: CurveAnswer | PicturesAnswer, view: View) -> list[Line]:
    lines = [Line(f"{view.split} task {view.task + 1:,} of {view.tasks:,}")]
    if isinstance(answer, CurveAnswer):
        own = ", changed" if view.bent else ""
        lines.append(Line(f"K {view.shots}  A {answer.amplitude:.2f}  phase {answer.phase:.2f}{own}"))
    else:
        lines.append(Line(f"{len(answer.class_names)}-way {view.shots}-shot"))
    return lines


def _scores(answer: CurveAnswer | PicturesAnswer) -> tuple[str, tuple[float, ...]]:
    return ("mse", answer.loss) if isinstance(answer, CurveAnswer) else ("accuracy", answer.accuracy)


def _bars(metric: str, values: tuple[float, ...], step: int, width: int, charset: Charset) -> list[Line]:
    full = max(filter(math.isfinite, values), default=1.0) if metric == "mse" else 1.0
    pointer = ">" if charset is Charset.ASCII else "▸"
    lines = []
    for number, value in enumerate(values):
        mark = pointer if number == step else " "
        label = f"{mark}{number:>{len(str(len(values) - 1))}} "
        length = max(0, width - len(label) - _VALUE - 1)
        # What is not finite is worse than all: a full bar for an error, none for an accuracy.
        share = value / full if math.isfinite(value) and full > 0 else float(metric == "mse")
        text = f"{label}{bar(share, length, charset)} {metric_value(metric, value):>{_VALUE}}"
        lines.append(Line(text[:width], strong=number == step))
    return lines
