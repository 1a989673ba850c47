"""Lines of text about a run, in a frame that scrolls where they do not fit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import zip_longest
from typing import TYPE_CHECKING, ClassVar

from rich.segment import Segment
from textual.content import Content
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from maml_tui.pages.train.scene import Line, Panel, Scene, text_of
from maml_tui.reports.text_table import cell_width
from maml_tui.widgets.actions import SCROLL_KEYS

if TYPE_CHECKING:
    from rich.style import Style
    from textual.events import Resize

    from maml_tui.runs.event_text import Role

Composer = Callable[[Scene, int, int], Panel]
"""Makes what stands in a pane of a scene and of the columns and rows there are."""

_MORE = "…"

_STYLES: dict[Role, str] = {
    "": "",
    "strong": "bold",
    "dim": "$text-muted",
    "good": "$text-success",
    "warning": "$text-warning",
    "bad": "bold $text-error",
}


class Pane(ScrollView, can_focus=True):
    """Shows what its composer makes of a scene, and paints only what changed.

    A `framed` one has a title, and can be focused and scrolled; another is lines among others.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        f"pane--{role}" for role in ("strong", "dim", "good", "warning", "bad")
    }
    BINDINGS = SCROLL_KEYS
    DEFAULT_CSS: ClassVar[str] = """
    Pane {
        height: 1;
        overflow: hidden hidden;
        background: transparent;
        scrollbar-size: 0 1;
        & > .pane--strong { text-style: bold; }
        & > .pane--dim { color: $text-muted; }
        & > .pane--good { color: $text-success; }
        & > .pane--warning { color: $text-warning; }
        & > .pane--bad { color: $text-error; text-style: bold; }
        &.-framed {
            height: 1fr;
            overflow: auto auto;
            border: round $foreground 40%;
            border-title-color: $text;
            padding: 0 0 0 1;
            scrollbar-gutter: stable;
        }
        &.-framed:focus { border: heavy $primary; }
    }
    """

    def __init__(self, compose: Composer, *, framed: bool, id: str) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id, classes="-framed" if framed else "")
        self.can_focus = framed
        self._make = compose
        self._scene: Scene | None = None
        self._title = ""
        self._lines: Sequence[Line] = ()

    def show(self, scene: Scene) -> None:
        """Show a scene."""
        self._scene = scene
        self._renew()

    def on_resize(self, _: Resize) -> None:
        """Compose the lines anew for the room there is now."""
        self._renew()

    def render_line(self, y: int) -> Strip:
        """Return one line of what is in sight, with a sign at either end where there is more of it."""
        x, top = self.scroll_offset
        line = self._lines[top + y] if top + y < len(self._lines) else ()
        strip = Strip(Segment(text, self._style(role)) for text, role in line)
        width = self.scrollable_content_region.width
        shown = strip.simplify().crop_extend(x, x + width, self.rich_style)
        before, behind = 0 < x < strip.cell_length, strip.cell_length > x + width
        cue = Strip([Segment(_MORE, self._style("dim"))])
        return Strip.join(
            [cue if before else None, shown.crop(before, width - behind), cue if behind else None]
        )

    def _renew(self) -> None:
        room = self.scrollable_content_region.size
        if self._scene is None or not room:
            self._lines = ()  # what is hidden does not come back as it was
            return
        panel = self._make(self._scene, room.width, room.height)
        before, self._lines = self._lines, panel.lines
        if panel.title != self._title:
            self._title = panel.title
            self.border_title = Content(panel.title)
        if self.can_focus:
            size = Size(max(cell_width(text_of(line)) for line in self._lines), len(self._lines))
            if size != self.virtual_size:
                self.virtual_size = size
                self._scroll_update(size)  # without it, a scrollbar that is not needed any more would stay
        self._repaint(before)

    def _repaint(self, before: Sequence[Line]) -> None:
        """Repaint, of each line, from the first character that is another to the last."""
        x, top = self.scroll_offset
        last = x + self.scrollable_content_region.width - 1  # where it may be said that there is more
        for y, (old, new) in enumerate(zip_longest(before, self._lines, fillvalue=())):
            if old != new:
                start, stop = _span(_cells(old), _cells(new))
                start = min(start, last)
                self.refresh(Region(start - x, y - top, stop - start, 1))

    def _style(self, role: Role) -> Style:
        return self.get_component_rich_style(f"pane--{role}") if role else self.rich_style


def _cells(line: Line) -> list[tuple[str, Role]]:
    return [(character, role) for text, role in line for character in text]


def _span(old: list[tuple[str, Role]], new: list[tuple[str, Role]]) -> tuple[int, int]:
    """Return the columns between which two lines differ."""
    longest = max(len(old), len(new))
    if any(cell_width(character) != 1 for character, _ in old + new):
        return 0, 2 * longest  # characters are not columns
    start = next((at for at, (one, other) in enumerate(zip_longest(old, new)) if one != other), longest)
    stop = longest
    while len(old) == len(new) and start < stop and old[stop - 1] == new[stop - 1]:
        stop -= 1
    return start, stop


def content(line: Line) -> Content:
    """Return a line for Textual's own widgets."""
    return Content.assemble(*((text, _STYLES[role]) for text, role in line))
