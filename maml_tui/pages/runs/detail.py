"""The lines about the run under the cursor, and which key helps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.errors import ResourceError
from engine.runs.checkpoints import read_pointer
from engine.runs.control import is_complete
from engine.text import printable
from maml_tui.reports.wording import duration
from maml_tui.runs.table import best_value

if TYPE_CHECKING:
    from maml_tui.runs.listing import RunFacts


def describe(facts: RunFacts) -> tuple[str, ...]:
    """Return a few lines, the most important first. Reads the run's pointer to its checkpoint.

    They are its state, with the key that helps and the reason; its best value; its tags and note; and its folder.
    """
    state, reason = (
        f"{printable(facts.run.id)} {facts.status.state}",
        printable(facts.status.reason).rstrip("."),
    )
    tags, note = facts.tags.tags, facts.tags.note
    return (
        _joined(state, _advice(facts), reason),  # what helps comes before the reason, which can be long
        _best_line(facts),
        _joined(f"tags: {', '.join(tags)}" if tags else "", note) or "no tags: t sets them, n writes a note",
        printable(facts.run.path),
    )


def _joined(*parts: str) -> str:
    return " · ".join(part for part in parts if part)


def _advice(facts: RunFacts) -> str:
    status = facts.status
    match status.state:
        case "running" | "warming-up" | "stopping":
            return "enter watches it"
        case "paused":
            return "r lets it go on"
        case "queued":
            return "r starts a worker if none is coming"
        case "done" if is_complete(status, status.iterations or 0, tested=facts.run.result.exists()):
            return "enter shows what it reached"
        case _:
            return _resume(facts)


def _resume(facts: RunFacts) -> str:
    try:
        saved = read_pointer(facts.run, "latest")
    except ResourceError as error:
        return str(error)
    return f"r resumes from iteration {saved.iteration:,}" if saved else "r starts it over: nothing was saved"


def _best_line(facts: RunFacts) -> str:
    status = facts.status
    metric = "" if status.metric == "accuracy" else " MSE"
    best = f"best{metric} {best_value(facts)} at iteration {status.best_iteration or 0:,}"
    parts = (
        printable(status.task),
        best if facts.best is not None else "",
        f"on {printable(status.device)} of {printable(status.host)}" if status.device else "",
        f"{duration(status.eta_seconds)} left" if status.state == "running" and status.eta_seconds else "",
    )
    return _joined(*parts) or "nothing is known of it yet"
