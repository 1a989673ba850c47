"""Screens that send to the terminal all that has changed, and nothing else.

Two habits of Textual (8.2.8) are amended here, through its private compositor; both amendments have tests that fail
without them.

- Of a line that changed in part, Textual sends everything from the left edge of the widget to the end of the change:
  for a crosshair at the right of a plot, the whole curve before it with its colours. Measured on a dense plot at
  120x40, a step of the crosshair takes 1.2 kB instead of 3.2 kB, a zoom or another smoothing half as much; over SSH
  that is what a held key feels like.
- A widget is removed; somebody asks for the place of another one before the next layout; that layout then believes
  that the widget was gone all along and does not paint its place. So a notification could stay on the screen for ever.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from rich.control import Control
from textual._compositor import ChopsUpdate, Compositor, ReflowResult
from textual.screen import Screen

if TYPE_CHECKING:
    from rich.console import Console
    from textual.geometry import Size
    from textual.widget import Widget

_Result = TypeVar("_Result")


class SparingScreen(Screen[_Result]):
    """A screen that sends only the cells in the regions which its widgets asked to have painted again."""

    def __init__(self, name: str | None = None, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's names
        super().__init__(name, id, classes)
        self._compositor = _SparingCompositor()


class _SparingCompositor(Compositor):
    def __init__(self) -> None:
        super().__init__()
        self._laid_out = self._full_map

    def reflow(self, parent: Widget, size: Size) -> ReflowResult:
        """Lay out all widgets; changes count from the last layout, not from what was looked up meanwhile."""
        self._full_map = self._laid_out
        result = super().reflow(parent, size)
        self._laid_out = self._full_map
        return result

    def reflow_visible(self, parent: Widget, size: Size) -> set[Widget]:
        """Lay out the widgets in sight after scrolling."""
        exposed = super().reflow_visible(parent, size)
        self._laid_out = {**self._laid_out, **(self._visible_map or {})}
        return exposed

    def render_partial_update(self) -> ChopsUpdate | None:
        update = super().render_partial_update()
        return None if update is None else _SparingUpdate(update.chops, update.spans, update.chop_ends)


class _SparingUpdate(ChopsUpdate):
    """Chops are the visible parts of lines of widgets: per line of the screen, strips by the column they begin in."""

    def render_segments(self, console: Console) -> str:
        """Return what paints the spans, as escape sequences and text."""
        return "".join(
            Control.move_to(start, y).segment.text + strip.crop(start - x, stop - x).render(console)
            for y, left, right in self.spans
            for stop_of_chop, (x, strip) in zip(self.chop_ends[y], self.chops[y].items(), strict=False)
            if strip is not None and (start := max(x, left)) < (stop := min(stop_of_chop, right))
        )
