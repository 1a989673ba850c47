"""A followed run in lines for programs: key=value words, or its journal's own JSON."""

from __future__ import annotations

import json
import math
import sys
from typing import TYPE_CHECKING

from engine.runs.events import (
    CheckpointEvent,
    EvaluationEvent,
    FinishedEvent,
    RequestEvent,
    StartedEvent,
    StateEvent,
    TrainEvent,
    WarningEvent,
)
from engine.text import printable
from maml_tui.cli.follow import View
from maml_tui.reports.wording import duration

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.config.schema import RunConfig
    from engine.runs.events import Event
    from engine.runs.status import Status


_INTERVAL = 5.0  # seconds of the run between two lines on its training


class PlainView(View):
    """Writes the lines to stdout: one on the training every few seconds, and one for everything else that happens."""

    def __init__(self, config: RunConfig) -> None:
        self._config = config
        self._waiting: TrainEvent | None = None
        self._written = -math.inf

    def show(self, lines: Sequence[bytes], events: Sequence[Event], status: Status) -> None:  # noqa: ARG002
        """Write what is due of `events`."""
        for event in events:
            if not isinstance(event, TrainEvent):
                self._write_training()
                print(event_line(event, self._config))
                continue
            self._waiting = event
            if event.time - self._written >= _INTERVAL:
                self._write_training()
        sys.stdout.flush()

    def _write_training(self) -> None:
        if self._waiting is not None:
            print(train_line(self._waiting, self._config.training.iterations))
            self._written, self._waiting = self._waiting.time, None


def train_line(event: TrainEvent, iterations: int) -> str:
    """Return the line on a meta-update."""
    return _line(
        "",
        ("iter", f"{event.iteration}/{iterations}"),
        ("pct", f"{100 * event.iteration / iterations:.1f}"),
        ("it_s", _number(event.iterations_per_second)),
        ("tasks_s", _number(event.tasks_per_second)),
        ("eta", duration(event.eta_seconds)),
        ("train.loss", _number(event.loss)),
        ("train.acc", event.accuracy if event.accuracy is None else f"{event.accuracy:.4f}"),
        ("train.grad_norm", _number(event.grad_norm)),
        ("train.skipped", event.skipped or None),
    )


def event_line(event: Event, config: RunConfig) -> str:
    """Return the line on anything else."""
    match event:
        case StartedEvent():
            keys = ("device", "device_name", "path", "parameters", "torch", "resumed_from")
            return _line("started", *_fields(event, *keys))
        case EvaluationEvent():
            return _evaluation(event, config)
        case CheckpointEvent():
            return _line("ckpt", ("iter", event.iteration), *_fields(event, "reason", "file", "bytes"))
        case StateEvent():
            return _line("", ("state", event.state), ("reason", event.reason or None))
        case RequestEvent():
            return _line("request", *_fields(event, "verb", "outcome"), ("reason", event.reason or None))
        case WarningEvent():
            return _line("warn", ("message", event.message))
        case FinishedEvent():
            return _line("finished", ("iter", event.iteration), *_fields(event, "state", "seconds", "reason"))
        case TrainEvent():
            return train_line(event, config.training.iterations)


def _evaluation(event: EvaluationEvent, config: RunConfig) -> str:
    measurement = event.measurement
    at = measurement.scored(config.evaluation.eval_steps)
    loss = measurement.loss_after(config.evaluation.eval_steps)
    best = None if event.best is None else f"{_number(event.best)}@{event.best_iteration}"
    return _line(
        "eval",
        ("iter", event.iteration),
        ("split", event.split),
        ("checkpoint", event.checkpoint),
        ("step", at.step),
        ("n", measurement.protocol.tasks),
        ("acc" if measurement.metric == "accuracy" else "mse", _number(at.mean)),
        ("ci95", _number(at.ci95)),
        ("median", _number(at.median)),
        ("diverged", at.diverged),
        ("loss", _number(loss.mean)),
        ("best", best),
        ("improved", None if event.improved is None else str(event.improved).lower()),
        ("patience_left", event.patience_left),
    )


def _fields(event: Event, *names: str) -> list[tuple[str, object]]:
    return [(name, getattr(event, name)) for name in names]


def _line(head: str, *pairs: tuple[str, object]) -> str:
    words = [f"{key}={_word(value)}" for key, value in pairs if value is not None]
    return " ".join([head, *words] if head else words)


def _word(value: object) -> str:
    text = printable(f"{value:.2f}" if isinstance(value, float) else value)
    return json.dumps(text, ensure_ascii=False) if " " in text or not text else text


def _number(value: float | None) -> str | None:
    return None if value is None else f"{value:.4g}" if math.isfinite(value) else "nan"


class JsonView(View):
    """Writes the lines of the journal that are JSON to stdout, byte for byte, and nothing else."""

    def show(self, lines: Sequence[bytes], events: Sequence[Event], status: Status) -> None:  # noqa: ARG002
        """Write `lines`."""
        for line in filter(_is_json, lines):
            sys.stdout.buffer.write(line + b"\n")
        sys.stdout.buffer.flush()


def _is_json(line: bytes) -> bool:
    """Tell damage from records; those of a newer program are records too."""
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True
