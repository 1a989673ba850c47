"""A followed run for a person at a terminal: a live line, and above it a row per evaluation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.live import Live
from rich.text import Text

from engine.runs.events import EvaluationEvent, RequestEvent, StartedEvent, TrainEvent, WarningEvent
from engine.text import printable
from maml_tui.cli import evaluation_rows
from maml_tui.cli.live_line import live_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.config.schema import RunConfig
    from engine.runs.events import Event
    from engine.runs.status import Status


class HumanView:
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
            case StartedEvent():
                since = "" if event.resumed_from is None else f", from iteration {event.resumed_from:,}"
                name = f" ({event.device_name})" if event.device_name else ""
                self._print(f"on {event.device}{name}, {event.parameters:,} parameters{since}", "dim")
            case WarningEvent():
                self._print(f"warning: {event.message}", "yellow")
            case RequestEvent() if event.outcome == "refused":
                self._print(f"{event.verb} refused: {event.reason}", "yellow")

    def _evaluation(self, event: EvaluationEvent) -> None:
        width = self._console.width - 1
        if not self._headed:
            self._print(evaluation_rows.heading(event.measurement.metric, width), "bold")
            self._headed = True
        scored = self._config.evaluation.eval_steps
        self._print(evaluation_rows.row(event, scored, width), "green" if event.improved else "")

    def _print(self, text: str, style: str) -> None:
        self._console.print(Text(printable(text), style=style))
