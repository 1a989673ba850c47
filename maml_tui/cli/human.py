"""A followed run at a terminal: a live line, and above it a row per evaluation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.live import Live
from rich.text import Text

from engine.runs.events import (
    LIVE_STATES,
    EvaluationEvent,
    RequestEvent,
    StartedEvent,
    TrainEvent,
    WarningEvent,
)
from engine.text import printable
from maml_tui.cli.follow import View
from maml_tui.reports.text_table import cell_width, padded
from maml_tui.reports.wording import duration, metric_name, metric_value, significant, with_interval
from maml_tui.runs.event_text import STATE_SIGNS, event_texts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.config.schema import RunConfig
    from engine.runs.events import Event
    from engine.runs.status import Status


_MIN_BAR, _MAX_BAR = 8, 30
_WIDE = 60  # from here on, a bar is worth more than the last details
_GAP = "  "


def live_line(status: Status, train: TrainEvent | None, iterations: int, width: int) -> str:
    """Return the line for so many columns; what matters less is left out where they are few."""
    done, sign, live = status.iteration, STATE_SIGNS[status.state][0], status.state in LIVE_STATES
    if live and status.measured is not None:
        return f"{sign} measuring{_GAP}{100 * status.measured:.0f}% of the test tasks"[:width]
    doing = f"validating {status.validated:.0%}" if live and status.validated is not None else status.state
    parts = [f"{sign} {doing}", f"{done:,}/{iterations:,}", *_details(status, train, iterations)]
    kept_for_bar = len(_GAP) + _MIN_BAR if width >= _WIDE else 0
    while len(parts) > 1 and len(_GAP.join(parts)) + kept_for_bar > width:
        parts.pop()
    room = min(_MAX_BAR, width - len(_GAP.join(parts)) - len(_GAP))
    if room >= _MIN_BAR:
        parts.insert(1, bar(done / iterations, room))
    return _GAP.join(parts)[:width]


def bar(fraction: float, width: int) -> str:
    """Return a bar whose full part shows `fraction`; more than all counts as all."""
    full = round(min(max(fraction, 0.0), 1.0) * width)
    return "━" * full + "─" * (width - full)


def _details(status: Status, train: TrainEvent | None, iterations: int) -> list[str]:
    """Return the details, the most important first."""
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
    """Return the row of an evaluation after `scored` inner steps; the last columns are left out for want of room."""
    measurement = event.measurement
    at = measurement.scored(scored)
    star = " *" if event.improved else ""
    cells = [
        f"{event.iteration:,}",
        event.split if event.checkpoint == "current" else f"{event.split} {event.checkpoint}",
        with_interval(measurement.metric, at.mean, at.ci95) + star,
        ""
        if event.best is None
        else f"{metric_value(measurement.metric, event.best)} @{event.best_iteration:,}",
        f"{measurement.protocol.tasks:,}",
        metric_value("loss", measurement.loss_after(scored).mean),
        "" if event.patience_left is None else f"{event.patience_left} left",
    ]
    return _join(cells, width)


def _join(cells: list[str], width: int) -> str:
    line = ""
    for cell, room in zip(cells, _WIDTHS.values(), strict=True):
        if cell_width(line) + room > width and line:
            break
        line += padded(cell, room + 1)
    return line.rstrip()


class HumanView(View):
    """Draws on stderr, and only where something has changed."""

    def __init__(self, config: RunConfig, console: Console | None = None) -> None:
        self._config = config
        self._console = console or Console(stderr=True, highlight=False)
        self._live = Live(console=self._console, auto_refresh=False, transient=True)
        self._train: TrainEvent | None = None
        self._headed = False
        self._drawn = ""
        self._live.start()

    def show(self, lines: Sequence[bytes], events: Sequence[Event], status: Status) -> None:  # noqa: ARG002
        """Draw what `events` and `status` say."""
        for event in events:
            self._take(event)
        line = live_line(status, self._train, self._config.training.iterations, self._console.width - 1)
        if line != self._drawn:
            self._drawn = line
            self._live.update(Text(line, no_wrap=True, overflow="crop"), refresh=True)

    def close(self) -> None:
        """Take the live line away."""
        self._live.stop()

    def _take(self, event: Event) -> None:
        match event:
            case TrainEvent():
                self._train = event
            case EvaluationEvent():
                self._evaluation(event)
            case StartedEvent() | WarningEvent() | RequestEvent(outcome="refused"):
                for _, kind, role, text in event_texts(event, self._config):
                    notice = f"{kind}: {text}" if role == "warning" else text
                    self._print(notice, "dim" if kind == "start" else "yellow")

    def _evaluation(self, event: EvaluationEvent) -> None:
        width = self._console.width - 1
        if not self._headed:
            self._print(heading(event.measurement.metric, width), "bold")
            self._headed = True
        scored = self._config.evaluation.eval_steps
        self._print(row(event, scored, width), "green" if event.improved else "")

    def _print(self, text: str, style: str) -> None:
        self._console.print(Text(printable(text), style=style))
