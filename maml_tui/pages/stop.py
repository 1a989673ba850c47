"""The dialog that asks how to leave or stop a live run."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from engine.text import printable
from maml_tui.runs.stop_choices import Decision, Way, ways
from maml_tui.widgets.dialogs import ConfirmDialog

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType

    from engine.runs.directory import RunDirectory
    from engine.runs.status import Status


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
