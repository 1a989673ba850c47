"""All keys that work here."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, ClassVar

from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from maml_tui.reports.text_table import padded
from maml_tui.widgets.actions import ACTIONS, SCOPES, Action

if TYPE_CHECKING:
    from collections.abc import Iterable

    from textual.app import ComposeResult
    from textual.binding import ActiveBinding, Binding, BindingType

_KEY_WIDTH = 12


class HelpDialog(ModalScreen[None]):
    """A list of keys by scope; any of escape, q and the help key closes it.

    Args:
        active: The bindings that are active where help was asked for.
    """

    CSS_PATH = "../widgets/dialog.tcss"
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
