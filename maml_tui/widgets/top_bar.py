"""The first line: which pages there are, which one is shown, and where this runs."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, ClassVar

from textual.content import Content
from textual.widgets import Static

from engine.text import printable

if TYPE_CHECKING:
    from textual.app import RenderResult

PAGES = {"setup": "Setup", "train": "Train", "runs": "Runs", "compare": "Compare", "adapt": "Adapt"}
"""Title of each page by its name, in the order of their number keys."""


class TopBar(Static):
    """Names of the pages, each a link to it, and the machine at the right."""

    DEFAULT_CSS: ClassVar[str] = "TopBar { height: 1; padding: 0 1; }"

    def __init__(self, current: str, place: str) -> None:
        super().__init__()
        self._current = current
        self._place = place

    def render(self) -> RenderResult:
        """Write the pages from the left, the place at the right as far as there is room."""
        left = Content.assemble(("maml-tui", "bold"), *self._tabs())
        room = self.size.width - left.cell_length - len(self._place)
        return left + Content.styled(" " * room + self._place, "dim") if room > 1 else left

    def _tabs(self) -> list[Content]:
        tabs = []
        for number, (name, title) in enumerate(PAGES.items(), 1):
            shown = f" \\[{number} {title}]" if name == self._current else f"  {number} {title} "
            style = "bold" if name == self._current else "dim"
            tabs.append(Content.from_markup(f"[@click=app.show('{name}')]{shown}[/]").stylize(style))
        return tabs


def place(remote: bool) -> str:
    """Return where this runs, in words."""
    return f"{printable(socket.gethostname())}{' · ssh' if remote else ''}"
