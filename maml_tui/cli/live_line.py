"""The one line that a terminal shows of a live run, as wide as there is room. Pure functions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.runs.states import LIVE_STATES
from maml_tui.wording import duration, significant

if TYPE_CHECKING:
    from engine.runs.events import TrainEvent
    from engine.runs.states import State
    from engine.runs.status import Status

_SIGNS: dict[State, str] = {
    "queued": "○",
    "warming-up": "○",
    "running": "●",
    "paused": "‖",
    "stopping": "■",
    "done": "✓",
    "failed": "✗",
    "diverged": "✗",
    "lost": "!",
}
_SHORTEST_BAR, _LONGEST_BAR = 8, 30
_WIDE = 60  # from here on, a bar is worth more than the last details
_GAP = "  "


def live_line(status: Status, train: TrainEvent | None, iterations: int, width: int) -> str:
    """Return the line.

    Args:
        status: Where the run stands.
        train: The newest meta-update, or None.
        iterations: Meta-iterations in total.
        width: Columns there are; what matters less is left out where they are few.
    """
    done = status.iteration
    if status.measured is not None and status.state in LIVE_STATES:
        return f"{_SIGNS[status.state]} measuring{_GAP}{100 * status.measured:.0f}% of the test tasks"[:width]
    validating = status.validated is not None and status.state in LIVE_STATES
    head = f"{_SIGNS[status.state]} {f'validating {status.validated:.0%}' if validating else status.state}"
    parts = [head, f"{done:,}/{iterations:,}", *_details(status, train, iterations)]
    kept_for_bar = len(_GAP) + _SHORTEST_BAR if width >= _WIDE else 0
    while len(parts) > 1 and len(_GAP.join(parts)) + kept_for_bar > width:
        parts.pop()
    room = min(_LONGEST_BAR, width - len(_GAP.join(parts)) - len(_GAP))
    if room >= _SHORTEST_BAR:
        parts.insert(1, bar(done / iterations, room))
    return _GAP.join(parts)[:width]


def bar(fraction: float, width: int) -> str:
    """Return a bar whose full part shows `fraction`; more than all counts as all."""
    full = round(min(max(fraction, 0.0), 1.0) * width)
    return "━" * full + "─" * (width - full)


def _details(status: Status, train: TrainEvent | None, iterations: int) -> list[str]:
    """Return what is worth telling, the most important first."""
    percent = f"{100 * status.iteration / iterations:.0f}%"
    if train is None:
        return [percent]
    accuracy = [] if train.accuracy is None else [f"acc {100 * train.accuracy:.1f}%"]
    return [
        percent,
        f"ETA {duration(status.eta_seconds)}",
        f"{significant(train.iterations_per_second)} it/s",
        f"loss {train.loss:.4g}",
        *accuracy,
        f"{significant(train.tasks_per_second)} tasks/s",
    ]
