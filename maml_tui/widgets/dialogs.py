"""Dialogs: a line of text, a question before something that cannot be undone, and all keys that work here."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Static

from engine.errors import MamlError
from engine.text import printable
from maml_tui.reports.text_table import padded
from maml_tui.widgets.actions import ACTIONS, SCOPES, Action

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from textual.app import ComposeResult
    from textual.binding import ActiveBinding, Binding, BindingType

_KEY_WIDTH = 12


class TextDialog(ModalScreen[str | None]):
    """Asks for one line of text; None if the person leaves with `escape`, the text as typed after `enter`."""

    CSS_PATH = "dialog.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [("escape", "dismiss(None)", "Cancel")]

    def __init__(
        self,
        question: str,
        value: str = "",
        *,
        hint: str = "",
        command: str = "",
        check: Callable[[str], object] | None = None,
    ) -> None:
        """Prepare the dialog. Control characters in its texts are escaped, and nothing in them is markup.

        Args:
            value: What the line holds at first.
            hint: What may be written, shown while the line is empty.
            command: The command line that does the same.
            check: Raises a `MamlError` for a text that cannot be taken; what it says is shown, and nothing is lost.
        """
        super().__init__()
        self._question, self._value, self._hint, self._command = question, value, hint, command
        self._check = check

    def compose(self) -> ComposeResult:
        """Yield the texts and the line."""
        with VerticalScroll(classes="dialog", can_focus=False):
            yield Static(printable(self._question), classes="question", markup=False)
            line = Input(self._value, placeholder=printable(self._hint), compact=True, select_on_focus=False)
            line.cursor_blink = False
            yield line
            yield Static("", classes="problem", markup=False)
            keys = "enter takes it · esc cancels"
            yield Static(
                f"{keys} · same: {printable(self._command)}" if self._command else keys,
                classes="command",
                markup=False,
            )

    @on(Input.Submitted)
    def _take(self, event: Input.Submitted) -> None:
        event.stop()
        try:
            if self._check is not None:
                self._check(event.value)
        except MamlError as error:
            self.query_one(".problem", Static).update(printable(error))
        else:
            self.dismiss(event.value)


class ConfirmDialog(ModalScreen[bool]):
    """Asks a question; True only for a deliberate yes. The answer that changes nothing has the focus.

    Keys: `y` yes; `n` or `escape` no; arrows or `tab` move, `enter` takes the answer that has the focus.
    """

    CSS_PATH = "dialog.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        ("y", "dismiss(True)", "Yes"),
        ("n,escape", "dismiss(False)", "No"),
        ("left,up", "app.focus_previous", "Other answer"),
        ("right,down", "app.focus_next", "Other answer"),
    ]

    def __init__(
        self, question: str, *, details: str = "", command: str = "", yes: str = "Yes", no: str = "No"
    ) -> None:
        """Prepare the dialog; `command` does the same on a command line, `yes` and `no` say what each does, in a word.

        Control characters in its texts are escaped, and nothing in them is markup.
        """
        super().__init__()
        self._question, self._details, self._command = question, details, command
        self._answers = {"n": no, "y": yes}

    def compose(self) -> ComposeResult:
        """Yield the texts and the answers."""
        with VerticalScroll(classes="dialog", can_focus=False):
            yield Static(printable(self._question), classes="question", markup=False)
            if self._details:
                yield Static(printable(self._details), markup=False)
            with Horizontal(classes="answers"):
                for key, answer in self._answers.items():
                    yield Button(Content(f"{key}  {answer}"), id=key, compact=True)
            if self._command:
                yield Static(f"same: {printable(self._command)}", classes="command", markup=False)

    @on(Button.Pressed)
    def _answer(self, event: Button.Pressed) -> None:
        self.dismiss(event.button.id == "y")


class HelpDialog(ModalScreen[None]):
    """A list of the keys of all `active` bindings by scope; any of escape, q and the help key closes it."""

    CSS_PATH = "dialog.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [("escape,q,question_mark,f1", "dismiss", "Close")]

    def __init__(self, active: Iterable[ActiveBinding]) -> None:
        super().__init__()
        self._keys: dict[str, list[Binding]] = {}
        for one in active:
            self._keys.setdefault(one.binding.id or "", []).append(one.binding)

    def compose(self) -> ComposeResult:
        """Lay out the list."""
        with VerticalScroll(classes="dialog", can_focus=True) as box:
            box.border_title = "Keys that work here"
            box.border_subtitle = "esc closes"
            yield Static(Content("\n").join(self._lines()))

    def _lines(self) -> list[Content]:
        here = [action for action in ACTIONS if action.id in self._keys]
        here.sort(key=lambda action: (action.scope == "app", action.scope == "plot"))
        lines = []
        for scope, actions in itertools.groupby(here, key=lambda action: action.scope):
            lines += [Content.styled(SCOPES[scope], "bold"), *map(self._line, actions), Content("")]
        return lines[:-1]

    def _line(self, action: Action) -> Content:
        keys = " ".join(self.app.get_key_display(binding) for binding in self._keys[action.id])
        return Content.assemble((f"  {padded(keys, _KEY_WIDTH)}", "bold"), " ", action.help)
