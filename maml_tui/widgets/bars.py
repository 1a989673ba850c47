"""The first line of every page, with the pages and the machine, and the last one, with the keys that work now."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, ClassVar

from textual.content import Content
from textual.keys import key_to_character
from textual.widgets import Static

from engine.text import printable
from maml_tui.reports.text_table import cell_width
from maml_tui.widgets.actions import ACTIONS, BY_ID

if TYPE_CHECKING:
    from textual.app import RenderResult
    from textual.binding import ActiveBinding


PAGES = {"setup": "Setup", "train": "Train", "runs": "Runs", "compare": "Compare", "adapt": "Adapt"}
"""Title of each page by its name, in the order of their number keys."""


class TopBar(Static):
    """Names of the pages, each a link to it, and the machine at the right."""

    DEFAULT_CSS: ClassVar[str] = "TopBar { height: 1; padding: 0 1; }"

    def __init__(self, current: str, remote: bool) -> None:
        super().__init__()
        self._current = current
        self._place = f"{printable(socket.gethostname())}{' · ssh' if remote else ''}"

    def render(self) -> RenderResult:
        """Write the pages from the left, the place at the right as far as there is room."""
        left = Content.assemble(("maml-tui", "bold"), *self._tabs())
        room = self.size.width - left.cell_length - cell_width(self._place)
        return left + Content.styled(" " * room + self._place, "dim") if room > 1 else left

    def _tabs(self) -> list[Content]:
        tabs = []
        for number, (name, title) in enumerate(PAGES.items(), 1):
            shown = f" \\[{number} {title}]" if name == self._current else f"  {number} {title} "
            style = "bold" if name == self._current else "dim"
            tabs.append(Content.from_markup(f"[@click=app.show('{name}')]{shown}[/]").stylize(style))
        return tabs


_ORDER = {action.id: place for place, action in enumerate(ACTIONS)}


class KeyBar(Static):
    """Keys and labels of the active actions; each can be clicked."""

    DEFAULT_CSS: ClassVar[str] = "KeyBar { height: 1; padding: 0 1; dock: bottom; }"

    def on_mount(self) -> None:
        """Follow the focus: what keys do depends on it."""
        self.screen.bindings_updated_signal.subscribe(self, lambda _: self.refresh())

    def render(self) -> RenderResult:
        """Write as many actions as there is room for, in the order of the table."""
        shown: list[tuple[int, Content]] = []
        room = self.size.width
        for active in sorted(self._active(), key=lambda one: BY_ID[one.binding.id or ""].rank):
            item = self._item(active)
            if item.cell_length + 2 <= room or not shown:
                room -= item.cell_length + 2
                shown.append((_ORDER[active.binding.id or ""], item))
        # What holds everywhere stands at the right.
        ordered = sorted(shown, key=lambda one: ((one[0] < _ORDER["setup.start"]), one[0]))
        return Content("  ").join([item for _, item in ordered])

    def _active(self) -> list[ActiveBinding]:
        """Return each active action once, with the first of its keys that is not typed into the focused field."""
        focused = self.screen.focused
        once: dict[str, ActiveBinding] = {}
        for active in self.screen.active_bindings.values():
            key = active.binding.key
            typed = focused is not None and focused.check_consume_key(key, key_to_character(key))
            action = BY_ID.get(active.binding.id or "")
            if active.enabled and not typed and action is not None and action.rank:
                once.setdefault(action.id, active)
        return list(once.values())

    def _item(self, active: ActiveBinding) -> Content:
        key = Content.styled(self.app.get_key_display(active.binding), "bold")
        link = f"@click=app.simulate_key('{active.binding.key}')"
        return Content.assemble(key, " ", active.binding.description).stylize(link)
