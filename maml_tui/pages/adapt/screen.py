"""Adapt: a model learns one task before one's eyes, inner step by inner step."""

from __future__ import annotations

import random
import time
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from textual.containers import Horizontal
from textual.content import Content

from engine.services.explore_messages import CurveAnswer, Exploration, PicturesAnswer
from maml_tui.pages.adapt.cell_grid import CellGridView
from maml_tui.pages.adapt.classes import RIGHT, WRONG, draw_classes
from maml_tui.pages.adapt.scores import curve_plot, draw_scores, scores
from maml_tui.pages.adapt.study import Baseline, Study
from maml_tui.pages.page import Page, notify_errors
from maml_tui.plotting.series import legend
from maml_tui.widgets.lazy_static import LazyStatic
from maml_tui.widgets.plot_view import PlotView

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.app import ComposeResult
    from textual.timer import Timer

    from maml_tui.pages.adapt.selection import Selection

_PLAY_SECONDS = 0.5
_KEEP_SECONDS = 60.0  # for so long the process waits for somebody who has left the page

_NO_RUN = "No run is chosen.\n\nPress 3 for Runs and open one there, or 1 to set one up."


class AdaptPage(Page, page="adapt"):
    """One task of the watched run, and how its model learns it."""

    def __init__(self) -> None:
        super().__init__()
        self._study: Study | None = None
        self._baseline: Baseline | None = None
        self._page = 0
        self._playing = False
        self._stepped = 0.0
        self._left: Timer | None = None
        self._shown: object = None
        self._offered: object = None

    def body(self) -> ComposeResult:
        """Lay out a line that says what this is, the picture, and the numbers beside it."""
        yield LazyStatic(id="origin")
        yield LazyStatic(id="notice")
        with Horizontal(id="study"):
            for picture in (PlotView(id="curve"), CellGridView(id="classes")):
                picture.can_focus = True  # so that it can be given the whole page
                yield picture
            yield CellGridView(id="scores")

    async def pulse(self) -> None:
        """Follow the watched run to its newest checkpoint; go on playing."""
        await self._follow()
        if self._study is not None:
            await self._study.look()
            if self._playing and time.monotonic() >= self._stepped + _PLAY_SECONDS:
                self._stepped = time.monotonic()
                selection = self._study.selection = self._study.selection.stepped(1)
                self._playing = selection.step < selection.steps
            self._ask_what_is_due()
        self._show()

    def on_screen_suspend(self) -> None:
        """End the process unless somebody comes back soon."""
        self._left = self.set_timer(_KEEP_SECONDS, self._close)

    def on_screen_resume(self) -> None:
        """Keep the process; there may be a new baseline."""
        if self._left is not None:
            self._left.stop()
        if self._baseline is not None:
            self.run_worker(self._seek(self._baseline), name="baseline")

    async def on_unmount(self) -> None:
        """Leave no process behind."""
        await self._close()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """Offer what there is to do with what is shown."""
        if action in ("amplitude", "phase", "own", "export"):
            return isinstance(self._answer, CurveAnswer)
        if action == "page":
            return isinstance(self._answer, PicturesAnswer)
        if action in ("step", "play", "task", "any_task", "shots", "checkpoint", "split"):
            return self._study is not None
        return True

    def action_step(self, by: int) -> None:
        """Show another inner step."""
        self._playing = False
        self._change(lambda selection: selection.stepped(by))

    def action_play(self) -> None:
        """Go through the steps, from the first one if the last one is shown; or halt."""
        self._playing = not self._playing
        self._stepped = time.monotonic()
        if self._playing:
            self._change(lambda selection: replace(selection, step=selection.step % selection.steps))

    def action_task(self, by: int) -> None:
        """Show another task."""
        self._page = 0
        self._change(lambda selection: selection.moved(by))

    def action_any_task(self) -> None:
        """Show any other task."""
        self._page = 0
        self._change(lambda selection: selection.anywhere(random.Random()))

    def action_shots(self, by: int) -> None:
        """Learn from more examples, or fewer."""
        self._change(lambda selection: selection.with_shots(by))

    def action_amplitude(self, by: int) -> None:
        """Stretch the curve, or flatten it."""
        if isinstance(answer := self._answer, CurveAnswer):
            self._change(lambda selection: selection.higher(by, answer.amplitude))

    def action_phase(self, by: int) -> None:
        """Shift the curve."""
        if isinstance(answer := self._answer, CurveAnswer):
            self._change(lambda selection: selection.shifted(by, answer.phase))

    def action_own(self) -> None:
        """Give the task its own curve back."""
        self._change(lambda selection: selection.own())

    async def action_checkpoint(self) -> None:
        """Start from the best parameters instead of the latest, or back."""
        self._change(lambda selection: selection.other_checkpoint())
        await self.pulse()

    def action_split(self) -> None:
        """Show validation tasks instead of test tasks, or back."""
        self._change(lambda selection: selection.other_split())

    def action_page(self, by: int) -> None:
        """Show other pictures of the same task."""
        shown = self.query_one("#classes", CellGridView).grid
        self._page = min(shown.pages - 1, max(0, shown.page + by))
        self._show()

    async def action_export(self) -> None:
        """Write the curve as figures and as numbers."""
        if self._study is not None:
            shown = self._study.selection
            subject = f"{self._study.watch.run.id}-{shown.split}-task-{shown.task + 1}-step-{shown.step}"
            self.maml.tell(await self.query_one(PlotView).export(subject))

    @property
    def _answer(self) -> Exploration | None:
        return self._study.answer if self._study else None

    def _change(self, change: Callable[[Selection], Selection]) -> None:
        if self._study is not None:
            self._study.selection = change(self._study.selection)
            self._ask_what_is_due()
            self._show()

    def _ask_what_is_due(self) -> None:
        if self._study and self._baseline:
            for study in (self._study, self._baseline.follow(self._study.selection)):
                if study and study.due:
                    self.run_worker(self._ask(study), name="adapt")

    async def _ask(self, study: Study) -> None:
        await study.ask()
        self._show()
        # The run's own answer comes first: the search would only delay it.
        if self._answer and self._baseline and not self._baseline.sought:
            await self._seek(self._baseline)

    async def _follow(self) -> None:
        """Take up the run that is watched now."""
        watch = self.maml.watched
        if self._study is None or self._study.watch is not watch:
            await self._close()
            self._study = Study(watch, self.maml.environment) if watch else None
            self._baseline = Baseline(watch, self.maml.environment) if watch else None
            self._page, self._playing = 0, False

    @notify_errors
    async def _seek(self, baseline: Baseline) -> None:
        await baseline.seek()
        if baseline is self._baseline and self.is_running:
            self._ask_what_is_due()
            self._show()

    async def _close(self) -> None:
        for one in (self._study, self._baseline):
            if one is not None:
                await one.close()

    def _show(self) -> None:
        """Paint what is known, unless that is on the screen already."""
        study, page = self._study, self._page
        beside = self._baseline.state if self._baseline else None
        seen = (study.version, study.selection, study.origin, study.notice) if study else None
        known = (study, page, beside, seen)
        if known == self._shown:
            return
        self._shown = known
        notice = study.notice if study else _NO_RUN
        self.query_one("#origin", LazyStatic).show(Content(study.origin if study else ""))
        self.query_one("#notice", LazyStatic).show(Content(notice))
        self.set_class(bool(notice), "-notice")
        if study and study.answer and self._baseline and not notice:
            self._show_scores(study.answer, study.selection, self._baseline)
            self._show_picture(study.answer, study.selection, self._baseline)
        self._offer()

    def _offer(self) -> None:
        """Let focus and line of keys follow when there is something else to do than before."""
        offered = self._study is not None, type(self._answer)
        if offered != self._offered:
            self._offered = offered
            self.refresh_bindings()
            if self._answer is not None:
                self.query_one("#curve" if isinstance(self._answer, CurveAnswer) else "#classes").focus()

    def _show_scores(self, answer: Exploration, selection: Selection, beside: Baseline) -> None:
        panel = self.query_one("#scores", CellGridView)
        panel.border_title = f"{scores(answer)[0]} per step"
        losses, remark = beside.losses(answer), beside.remark
        panel.show(
            partial(draw_scores, answer, selection, charset=self.maml.charset, baseline=losses, remark=remark)
        )

    def _show_picture(self, answer: Exploration, selection: Selection, beside: Baseline) -> None:
        curve, classes = self.query_one(PlotView), self.query_one("#classes", CellGridView)
        self.set_class(isinstance(answer, CurveAnswer), "-curve")
        step, charset = min(selection.step, len(answer.loss) - 1), self.maml.charset
        if isinstance(answer, CurveAnswer):
            plot = curve_plot(answer, step, charset, beside.answer(answer))
            truth, points, *network = legend(plot)
            curve.border_title, curve.border_subtitle = f"{truth}  {points}", "  ".join(network)
            curve.show(plot)
        else:
            plain = self.maml.terminal.colourless
            classes.border_title = f"learned from, then told: {RIGHT} right, {WRONG} wrong"
            classes.show(partial(draw_classes, answer, step, self._page, charset=charset, plain=plain))
            self._page = classes.grid.page  # there may be fewer pages now
