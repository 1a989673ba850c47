"""The ways to leave or stop a live run, and what each one loses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from engine.text import printable
from maml_tui.reports.wording import duration

if TYPE_CHECKING:
    from engine.runs.status import Status

Decision = Literal["detach", "graceful", "now", "kill"]


@dataclass(frozen=True)
class Way:
    """One way to leave or stop a run; `refusal` says why it is not possible, and is empty if it is."""

    decision: Decision
    key: str
    label: str
    effect: str
    command: str
    refusal: str = ""


def ways(run_id: str, status: Status, saved: int | None, host: str) -> tuple[Way, ...]:
    """Return the ways out of a live run, the one that loses nothing first.

    `saved` is that of `kill_loss`; `host` is the name of this machine.
    """
    stop = f"maml stop {run_id}"
    goes_on = "stays paused" if status.state == "paused" else "goes on"
    graceful, now = _stops(status)
    elsewhere = (
        "" if status.host in ("", host) else f"its worker is on {printable(status.host)}: kill it there"
    )
    return (
        Way("detach", "d", "Detach", f"close this window, the run {goes_on}", f"maml attach {run_id}"),
        Way("graceful", "g", "Graceful", graceful, stop),
        Way("now", "n", "Now", now, f"{stop} --now"),
        Way("kill", "k", "Kill", f"SIGKILL; {kill_loss(status, saved)}", f"{stop} --kill", elsewhere),
    )


def kill_loss(status: Status, saved: int | None) -> str:
    """Return in words what a kill at this moment loses; `saved` is the iteration of its newest checkpoint, or None."""
    if status.measured is not None:
        return "the result is lost, the training is saved"
    iterations = status.iteration - (saved or 0)
    if iterations <= 0:
        return "loses nothing: all is in the checkpoint"
    speed = status.iterations_per_second
    time = f", {duration(iterations / speed)}" if speed else ""
    since = "all, it has no checkpoint" if saved is None else f"what came after {saved:,}"
    return f"loses {since} ({iterations:,} it{time})"


def _stops(status: Status) -> tuple[str, str]:
    """Return what a graceful stop does, and what one at once does."""
    if status.measured is not None:
        over = "end at once; the training is saved, the result is lost"
        return "let it finish measuring, as it does anyway", over
    begins = "once it trains, " if status.state == "warming-up" else ""
    end = f"{begins}checkpoint at this iteration and end, unmeasured"
    return f"{begins}finish the iteration, checkpoint, measure, end", end
