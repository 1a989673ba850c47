"""The Textual application: which pages there are, how one gets to them, and what makes them move."""

from __future__ import annotations

import asyncio
import importlib
import signal
import time
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, ClassVar, cast

from textual.app import App, ComposeResult, SystemCommand
from textual.worker import WorkerFailed

from engine.errors import MamlError, UsageError
from engine.files import private_dir, write_atomic
from engine.paths import state_dir
from engine.text import nearest, printable
from maml_tui.app.ascii_only import AsciiOnly
from maml_tui.app.terminal import Terminal, leave_on_signals, terminal_gone
from maml_tui.pages.page import Page
from maml_tui.plotting import Charset
from maml_tui.widgets.actions import BY_ID, bindings
from maml_tui.widgets.bars import PAGES, TopBar
from maml_tui.widgets.dialogs import HelpDialog

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from textual.actions import ActionParseResult
    from textual.binding import ActiveBinding, Binding
    from textual.dom import DOMNode
    from textual.filter import LineFilter
    from textual.screen import Screen

    from engine.runs.control import Pending
    from engine.runs.directory import RunDirectory
    from maml_tui.app.settings import Settings
    from maml_tui.runs.watch import RunWatch


_LOCAL_HZ, _REMOTE_HZ = 4.0, 2.0
_NEWS_SECONDS, _PROBLEM_SECONDS = 5.0, 10.0
_COLOURLESS_THEME = "ansi-dark"


def _page(name: str) -> Screen[object]:
    """Make a page. Its module is loaded when it is first shown, so that the first one comes quickly."""
    module = importlib.import_module(f"maml_tui.pages.{name}.screen")
    return cast("Screen[object]", getattr(module, f"{name.capitalize()}Page")())


class MamlApp(App[int]):
    """Set up, start, watch and steer runs, leave them and come back.

    Attributes:
        environment: The environment for child processes, as it was before Textual took things out of it.
        readonly: Whether runs may only be watched.
        watched: The run that Train and Adapt show.
        compare_runs: The runs that Compare shows.
        pending: Requests and starts of runs whose outcome has not been reported yet.
    """

    TITLE = "maml-tui"
    CSS_PATH = "app.tcss"
    BINDINGS = bindings("app")
    MODES = {name: partial(_page, name) for name in PAGES}  # noqa: RUF012 - Textual's annotation
    ENABLE_COMMAND_PALETTE = True
    VERTICAL_BREAKPOINTS = [(0, "-flat"), (15, "-short")]  # noqa: RUF012 - Textual's annotation
    COMMAND_PALETTE_BINDING: ClassVar[str] = "ctrl+p"

    def __init__(
        self,
        settings: Settings,
        terminal: Terminal,
        environment: Mapping[str, str],
        run: RunDirectory | None = None,
        readonly: bool = False,
    ) -> None:
        super().__init__(ansi_color=True if terminal.colourless else None)
        self.settings = settings
        self.terminal = terminal
        self.environment = dict(environment)
        self.readonly = readonly
        self.watched: RunWatch | None = None
        self.compare_runs: tuple[RunDirectory, ...] = ()
        self.pending: list[Pending] = []
        self._polling = asyncio.Lock()
        self._first = run
        self._begun = False
        self._last_problem = ""
        self._ascii_only = [AsciiOnly()] if self.charset is Charset.ASCII else []
        self.set_keymap(settings.keys)
        if terminal.colourless:
            self.theme = _COLOURLESS_THEME
        elif settings.interface.theme != "auto":
            self.theme = self._known_theme(settings.interface.theme)

    @property
    def hz(self) -> float:
        """How often the screen may change, a second."""
        return self.settings.interface.hz or (_REMOTE_HZ if self.terminal.remote else _LOCAL_HZ)

    @property
    def charset(self) -> Charset:
        """The characters to draw with."""
        chosen = self.settings.interface.charset
        return self.terminal.charset if chosen == "auto" else Charset(chosen)

    def compose(self) -> ComposeResult:
        """Yield what is seen while the first page is loaded."""
        yield TopBar("train" if self._first else "setup", self.terminal.remote)

    def on_mount(self) -> None:
        """Be ready to leave."""
        leave_on_signals(self.leave)

    def on_resize(self) -> None:
        """Paint at once; then show the first page. Made before the size is known, it would keep a wrong one."""
        if not self._begun:
            self._begun = True
            self.call_after_refresh(self._begin)

    def _begin(self) -> None:
        if self._first is not None:
            self.open_run(self._first)
        else:
            self.show("setup")
        self.run_worker(self._beat(), group="pulse", name="pulse")

    def show(self, page: str) -> None:
        """Go to a page."""
        while len(self.screen_stack) > 1:
            self.pop_screen()
        self.switch_mode(page)
        self.call_after_refresh(self._pulse)

    action_show = show

    def open_run(self, run: RunDirectory) -> None:
        """Watch a run, and show it."""
        from maml_tui.runs.watch import RunWatch

        with self.telling():
            self.watched = RunWatch(run)
            self.show("train")

    def tell(self, text: str, problem: bool = False) -> None:
        """Show a sentence for a while."""
        self.notify(
            printable(text),
            severity="error" if problem else "information",
            timeout=_PROBLEM_SECONDS if problem else _NEWS_SECONDS,
            markup=False,
        )

    @contextmanager
    def telling(self) -> Iterator[None]:
        """Show the sentence of a `MamlError` that ends the block."""
        try:
            yield
        except MamlError as error:
            self.tell(str(error), problem=True)

    def copy(self, text: str, what: str) -> None:
        """Copy text by OSC 52. No terminal says whether it listened, so the text is kept in a file too."""
        self.copy_to_clipboard(text)
        path = state_dir() / "copied.txt"
        try:
            private_dir(path.parent)
            write_atomic(path, text)
        except MamlError as error:
            self.tell(f"{what} copied if the terminal allows it (OSC 52); {error}")
        else:
            self.tell(f"{what} copied if the terminal allows it (OSC 52); also in {path}")

    def leave(self, return_code: int = 0) -> None:
        """Close the application. Runs go on."""
        self.exit(return_code, return_code=return_code)

    action_leave = leave

    async def run_action(
        self,
        action: str | ActionParseResult,
        default_namespace: DOMNode | None = None,
        namespaces: Mapping[str, DOMNode] | None = None,
    ) -> bool:
        """Perform an action; what a person did wrong or the machine lacks is told in its sentence."""
        try:
            return await super().run_action(action, default_namespace, namespaces)
        except MamlError as error:
            self.tell(str(error), problem=True)
            return True

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Return what every line goes through before it is shown."""
        return [*super().get_line_filters(), *self._ascii_only]

    def get_key_display(self, binding: Binding) -> str:
        """Return what a key is called; where its sign cannot be shown, its name."""
        sign = super().get_key_display(binding)
        return sign if sign.isascii() or not self._ascii_only else binding.key

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Yield what the palette offers: all else that works now, each once, and the themes."""
        offered: dict[str, list[ActiveBinding]] = {}
        for active in screen.active_bindings.values():
            if active.enabled and active.binding.id in BY_ID and active.binding.id != "app.palette":
                offered.setdefault(active.binding.id, []).append(active)
        for name, actives in offered.items():
            action, first = BY_ID[name], actives[0]
            keys = " ".join(self.get_key_display(active.binding) for active in actives)
            perform = partial(self.run_action, first.binding.action, first.node)
            yield SystemCommand(action.label.rstrip("…"), f"{action.help} ({keys})", perform)
        if not self.terminal.colourless:
            yield SystemCommand("Theme", "Change the colours", self.action_change_theme)
        yield SystemCommand("Screenshot", "Write this screen as SVG", partial(self.run_action, "app.picture"))

    def action_help(self) -> None:
        """Show the keys that work here."""
        if not isinstance(self.screen, HelpDialog):
            self.push_screen(HelpDialog(self.screen.active_bindings.values()))

    def action_zoom(self) -> None:
        """Give the focused pane the whole page, or take it back."""
        if self.screen.maximized is not None:
            self.screen.minimize()
        elif self.screen.focused is not None:
            self.screen.maximize(self.screen.focused)

    def action_step_back(self) -> None:
        """Take one step back."""
        page = self._current_page()
        if page is not None:
            page.back()

    def action_help_quit(self) -> None:
        """Answer Ctrl-C where nothing is selected to be copied."""
        page = self._current_page()
        if page is not None and self.screen is page:
            page.interrupt()

    def action_picture(self) -> None:
        """Write the screen as an SVG picture."""
        path = private_dir(state_dir() / "exports") / f"screen-{time.strftime('%Y%m%d-%H%M%S')}.svg"
        write_atomic(path, self.export_screenshot())
        self.tell(f"screen written to {path}")

    def _fatal_error(self) -> None:
        """Close after a defect. Whoever started the application tells of it in words (see `defect`)."""
        self._close_messages_no_wait()

    @property
    def defect(self) -> Exception | None:
        """The unexpected error that ended the application, or None."""
        error = self._exception
        return error.error if isinstance(error, WorkerFailed) else error  # type: ignore[return-value] # an Exception

    def _known_theme(self, theme: str) -> str:
        if theme not in self.available_themes:
            there = f": there are {', '.join(sorted(self.available_themes))}"
            hint = nearest(theme, self.available_themes) or there
            raise UsageError(f"no theme is called {printable(theme)!r}{hint}")
        return theme

    async def _beat(self) -> None:
        while not terminal_gone():
            await self._pulse()
            await asyncio.sleep(1 / self.hz)
        self.leave(128 + signal.SIGHUP)

    async def _pulse(self) -> None:
        try:
            if self.watched is not None:
                watch = self.watched
                watch.apply(await asyncio.to_thread(watch.fetch))
            page = self._current_page()
            if page is not None and page.is_mounted:
                await page.pulse()
            await self._tell_outcomes()
            self._last_problem = ""
        except MamlError as error:
            if str(error) != self._last_problem:  # what keeps going wrong is told when it begins
                self._last_problem = str(error)
                self.tell(self._last_problem, problem=True)

    async def _tell_outcomes(self) -> None:
        async with self._polling:
            for pending in self.pending.copy():
                try:
                    outcome = await asyncio.to_thread(pending.poll)
                except MamlError as error:
                    self.pending.remove(pending)
                    self.tell(str(error), problem=True)
                    continue
                if outcome is not None:
                    self.tell(outcome.message, problem=outcome.answer != "accepted")
                if pending.done:
                    self.pending.remove(pending)

    def _current_page(self) -> Page | None:
        return next((one for one in reversed(self.screen_stack) if isinstance(one, Page)), None)
