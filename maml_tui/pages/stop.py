"""The question how to leave or end a live run."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from textual import on
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from engine.text import printable
from maml_tui.reports.wording import duration
from maml_tui.widgets.dialogs import ConfirmDialog

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType

    from engine.runs.directory import RunDirectory
    from engine.runs.status import Status


Decision = Literal["detach", "graceful", "now", "kill"]


@dataclass(frozen=True)
class Way:
    """One way to leave or end a run.

    Attributes:
        decision: What it is called in code.
        key: Its key.
        label: Its name.
        effect: What happens, and what it loses.
        command: The command line that does the same.
        refusal: Why it cannot be taken; empty if it can.
    """

    decision: Decision
    key: str
    label: str
    effect: str
    command: str
    refusal: str = ""


def ways(run_id: str, status: Status, saved: int | None, host: str) -> tuple[Way, ...]:
    """Return the ways out of a live run, the one that loses nothing first.

    Args:
        run_id: The run's id.
        status: Where it stands.
        saved: Iteration of its newest checkpoint; None if it has none.
        host: This machine's name.
    """
    stop = f"maml stop {run_id}"
    return (
        Way("detach", "d", "Detach", _detach(status), f"maml attach {run_id}"),
        Way("graceful", "g", "Graceful", _graceful(status), stop),
        Way("now", "n", "Now", _now(status), f"{stop} --now"),
        Way(
            "kill", "k", "Kill", f"SIGKILL; {lost(status, saved)}", f"{stop} --kill", _elsewhere(status, host)
        ),
    )


def lost(status: Status, saved: int | None) -> str:
    """Return in words what a kill at this moment loses."""
    if status.measured is not None:
        return "the result is lost, the training is saved"
    iterations = status.iteration - (saved or 0)
    if iterations <= 0:
        return "loses nothing: all is in the checkpoint"
    speed = status.iterations_per_second
    time = f", {duration(iterations / speed)}" if speed else ""
    since = "all, it has no checkpoint" if saved is None else f"what came after {saved:,}"
    return f"loses {since} ({iterations:,} it{time})"


def _detach(status: Status) -> str:
    goes_on = "stays paused" if status.state == "paused" else "goes on"
    return f"close this window, the run {goes_on}"


def _graceful(status: Status) -> str:
    if status.measured is not None:
        return "let it finish measuring, as it does anyway"
    begins = "once it trains, " if status.state == "warming-up" else ""
    return f"{begins}finish the iteration, checkpoint, measure, end"


def _now(status: Status) -> str:
    if status.measured is not None:
        return "end at once; the training is saved, the result is lost"
    begins = "once it trains, " if status.state == "warming-up" else ""
    return f"{begins}checkpoint at this iteration and end, unmeasured"


def _elsewhere(status: Status, host: str) -> str:
    if status.host in ("", host):
        return ""
    return f"its worker is on {printable(status.host)}: kill it there"


_LABEL_WIDTH = 9


class StopDialog(ModalScreen[Decision | None]):
    """Lists the ways out with what each one loses; the one that loses nothing is chosen first. A kill is asked twice.

    Keys: the letter of a way, or arrows and `enter`; `escape` changes nothing.
    """

    CSS_PATH = "../widgets/dialog.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        ("d", "take('detach')", "Detach"),
        ("g", "take('graceful')", "Graceful"),
        ("n", "take('now')", "Now"),
        ("k", "take('kill')", "Kill"),
        ("escape,q", "dismiss(None)", "Cancel"),
    ]

    def __init__(self, run: RunDirectory, status: Status, saved: int | None) -> None:
        """Prepare the dialog.

        Args:
            run: A live run.
            status: Where it stands.
            saved: Iteration of its newest checkpoint; None if it has none.
        """
        super().__init__()
        self._id = printable(run.id)
        self._ways = {way.decision: way for way in ways(self._id, status, saved, socket.gethostname())}

    def compose(self) -> ComposeResult:
        """Yield the ways, why one cannot be taken, and the command that does the same."""
        with VerticalScroll(classes="dialog", can_focus=False):
            yield Static(f"Leave or stop run {self._id}?", classes="question", markup=False)
            yield OptionList(
                *(Option(_prompt(way), id=way.decision) for way in self._ways.values()),
                compact=True,
                markup=False,
            )
            yield Static("", classes="problem", markup=False)
            yield Static("", classes="command", markup=False)

    @on(OptionList.OptionHighlighted)
    def _show_command(self, event: OptionList.OptionHighlighted) -> None:
        way = self._ways[_decision(event.option_id)]
        self.query_one(".command", Static).update(f"same: {way.command} · esc changes nothing")
        self.query_one(".problem", Static).update(way.refusal)

    @on(OptionList.OptionSelected)
    def _select(self, event: OptionList.OptionSelected) -> None:
        self.action_take(_decision(event.option_id))

    def action_take(self, decision: Decision) -> None:
        """Take a way out, if it can be taken and, for a kill, if it is really meant."""
        way = self._ways[decision]
        if way.refusal:
            self.query_one(OptionList).highlighted = list(self._ways).index(decision)
        elif decision == "kill":
            question = ConfirmDialog(
                f"Kill run {self._id}?", details=way.effect, command=way.command, yes="Kill", no="Keep it"
            )
            self.app.push_screen(question, self._kill_if)
        else:
            self.dismiss(decision)

    def _kill_if(self, meant: bool | None) -> None:
        if meant:
            self.dismiss("kill")


def _prompt(way: Way) -> Content:
    return Content.assemble((f"{way.key}  {way.label:<{_LABEL_WIDTH}}", "bold"), way.effect)


def _decision(option_id: str | None) -> Decision:
    return next(known for known in ("detach", "graceful", "now", "kill") if known == option_id)
