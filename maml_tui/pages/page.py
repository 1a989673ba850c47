"""What all pages share: the line of pages above, the line of keys below, and a pulse."""

from __future__ import annotations

import functools
import inspect
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, cast

from maml_tui.widgets.actions import bindings
from maml_tui.widgets.bars import KeyBar, TopBar
from maml_tui.widgets.sparing_screen import SparingScreen

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from textual.app import ComposeResult

    from maml_tui.app.app import MamlApp


_WIDTHS = [(0, "-tiny"), (60, "-narrow"), (100, "-wide")]
_HEIGHTS = [(0, "-flat"), (15, "-short"), (32, "-tall")]

_Method = TypeVar("_Method", bound="Callable[..., Any]")


class Page(SparingScreen[None]):
    """A page of the application.

    A subclass gives its name in `PAGES` as `class TrainPage(Page, page="train")`; the style sheet and the scope of its
    actions are called the same.

    Size classes let style sheets adapt it: -tiny, -narrow, -wide; -flat, -short, -tall.
    """

    HORIZONTAL_BREAKPOINTS = _WIDTHS
    VERTICAL_BREAKPOINTS = _HEIGHTS
    ALLOW_IN_MAXIMIZED_VIEW = "KeyBar"

    NAME: ClassVar[str]

    def __init_subclass__(cls, page: str = "", **options: Any) -> None:  # noqa: ANN401 - Textual's
        if page:
            cls.NAME, cls.CSS_PATH, cls.BINDINGS = page, f"{page}.tcss", bindings(page)
        super().__init_subclass__(**options)

    @property
    def maml(self) -> MamlApp:
        """The application."""
        return cast("MamlApp", self.app)

    def compose(self) -> ComposeResult:
        """Lay out top bar, body and key bar."""
        yield TopBar(self.NAME, self.maml.terminal.remote)
        yield from self.body()
        yield KeyBar()

    def body(self) -> ComposeResult:
        """Yield what is between the two bars."""
        raise NotImplementedError

    async def pulse(self) -> None:
        """Catch up with the world: called a few times a second while the page is shown, and when it comes up.

        Must paint nothing if nothing changed.
        """

    def back(self) -> None:
        """Take one step back: here, let go of the focus."""
        self.set_focus(None)

    def interrupt(self) -> None:
        """Answer Ctrl-C: here, say how to leave."""
        self.maml.tell("Press q to close this window. Runs go on.")


def notify_errors(method: _Method) -> _Method:
    """Make a page's message handler or callback tell a `MamlError` in its sentence, as actions do anyway."""

    @functools.wraps(method)
    def telling(page: Page, *arguments: Any) -> object:  # noqa: ANN401 - whatever the method takes
        with page.maml.telling():
            answer = method(page, *arguments)
            return _awaited(page, answer) if inspect.isawaitable(answer) else answer

    return cast("_Method", telling)


async def _awaited(page: Page, answer: Awaitable[object]) -> object:
    with page.maml.telling():
        return await answer
