"""A run's events and states in words and signs, the same in the application and in a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from engine.runs import events
from engine.text import printable
from maml_tui.reports.wording import duration, metric_value, significant, with_interval

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.config.schema import RunConfig


Role = Literal["", "strong", "dim", "good", "warning", "bad"]
"""What a text is for; each way of showing it has a style per role."""

STATE_SIGNS: dict[events.State, tuple[str, Role]] = {
    "queued": ("○", "dim"),
    "warming-up": ("○", "dim"),
    "running": ("●", "good"),
    "paused": ("‖", "warning"),
    "stopping": ("■", "warning"),
    "done": ("✓", "good"),
    "failed": ("✗", "bad"),
    "diverged": ("✗", "bad"),
    "lost": ("!", "bad"),
}
"""The sign of each state, one character, and its role."""

_ROLES: dict[str, Role] = {"warning": "warning", "best": "good", "end": "strong", "start": "strong"}


class EventText(NamedTuple):
    """One thing that happened.

    Attributes:
        time: When, Unix seconds.
        kind: `start`, `eval`, `best`, `checkpoint`, `state`, `request`, `warning` or `end`.
        text: What, without control characters.
    """

    time: float
    kind: str
    role: Role
    text: str


def event_texts(event: events.Event, config: RunConfig) -> Iterator[EventText]:
    """Yield an event in words: nothing for a meta-update, two texts for a validation that competes for the best."""
    for kind, text in _texts(event, config):
        yield EventText(event.time, kind, _ROLES.get(kind, "dim"), printable(text))


def _texts(event: events.Event, config: RunConfig) -> Iterator[tuple[str, str]]:
    match event:
        case events.TrainEvent():
            return
        case events.StartedEvent():
            yield "start", _started(event)
        case events.EvaluationEvent():
            yield "eval", _evaluation(event, config)
            if event.improved is not None and event.best is not None:
                yield "best", _contest(event, config)
        case events.CheckpointEvent():
            yield "checkpoint", _checkpoint(event)
        case events.StateEvent():
            yield "state", _because(event.state, event.reason)
        case events.RequestEvent():
            yield "request", _because(f"{event.verb or 'unreadable request'} {event.outcome}", event.reason)
        case events.WarningEvent():
            yield "warning", event.message
        case events.FinishedEvent():
            at = f"{event.state} at iteration {event.iteration:,}, {duration(event.seconds)} after the start"
            yield "end", _because(at, event.reason)


def _started(event: events.StartedEvent) -> str:
    since = "" if event.resumed_from is None else f"from iteration {event.resumed_from:,} "
    name = f" ({event.device_name})" if event.device_name else ""
    return (
        f"{since}on {event.device}{name} of {event.host}, {event.parameters:,} parameters, "
        f"torch {event.torch}, python {event.python}"
    )


def _evaluation(event: events.EvaluationEvent, config: RunConfig) -> str:
    measurement = event.measurement
    at = measurement.scored(config.evaluation.eval_steps)
    loss = measurement.loss_after(config.evaluation.eval_steps)
    whose = "" if event.checkpoint == "current" else f"{event.checkpoint} parameters, "
    parts = [f"{event.split} {_metric(measurement.metric, at.mean, at.ci95)}"]
    if measurement.metric != "mse":
        parts.append(f"loss {with_interval('loss', loss.mean, loss.ci95)}")
    if at.diverged:
        parts.append(f"{at.diverged:,} diverged")
    made = f"{measurement.protocol.tasks:,} tasks, {significant(event.seconds, 2)} s"
    return f"{whose}iteration {event.iteration:,}: {', '.join(parts)} ({made})"


def _contest(event: events.EvaluationEvent, config: RunConfig) -> str:
    best = f"{_metric(event.measurement.metric, event.best)} at iteration {event.best_iteration or 0:,}"
    if event.improved:
        return f"new best: {best}"
    if event.patience_left is None:
        return f"no improvement over {best}"
    patience = config.training.patience
    return f"no improvement over {best} ({patience - event.patience_left} in a row; {patience} end training)"


def _checkpoint(event: events.CheckpointEvent) -> str:
    size, unit = (event.bytes / 2**20, "MiB") if event.bytes >= 2**20 else (event.bytes / 2**10, "KiB")
    return f"{event.file} ({event.reason}), {size:,.1f} {unit} in {1000 * event.seconds:,.0f} ms"


def _metric(metric: str, mean: float | None, ci95: float | None = None) -> str:
    value = metric_value(metric, mean) if ci95 is None else with_interval(metric, mean, ci95)
    return f"{metric} {value}{' %' if metric == 'accuracy' and value[0].isdigit() else ''}"


def _because(what: str, reason: str) -> str:
    return f"{what}: {reason}" if reason else what
