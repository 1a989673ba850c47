"""Compare: up to six runs in one plot, what differs between them, and which is better on the same test tasks."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Static

from engine.errors import MamlError, UsageError
from engine.services.client import ask_async
from engine.services.messages import EVALUATE, EvaluateRequest
from maml_tui.pages.compare.state import (
    CompareState,
    comparison_plot,
    metrics_of_all,
    signs,
    without_metric,
)
from maml_tui.pages.compare.tables import ComparisonView, brief
from maml_tui.pages.page import Page
from maml_tui.reports.comparison import comparison_tables
from maml_tui.reports.contender import LETTERS
from maml_tui.reports.pairs import require_same_tasks, same_for_all
from maml_tui.runs.watch import RunWatch
from maml_tui.widgets.chart import Chart
from maml_tui.widgets.lazy_static import LazyStatic

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from maml_tui.plotting.series import Plot
    from maml_tui.runs.chart_view import ChartView

_NOTHING = """No runs are chosen.

3 lists the runs: there, space chooses up to six of them, and d compares them.

From a shell: maml compare RUN RUN"""

_NO_VALUES = "no values yet: they come with the first validation"
_MEASUREMENT = "measurement"
_ABREAST = 3  # runs whose columns have room beside the plot


class ComparePage(Page, page="compare"):
    """Several runs side by side, for as long as they go on."""

    AUTO_FOCUS = ""

    def __init__(self) -> None:
        super().__init__(classes="-empty")
        self._state = CompareState(())
        self._measuring = False

    def body(self) -> ComposeResult:
        """Lay out the plot and the tables."""
        yield Static(_NOTHING, id="nothing", markup=False)
        with Horizontal(id="comparison"):
            with Vertical(id="overlay"):
                yield Chart(id="chart")
                yield LazyStatic(id="left-out")
            yield ComparisonView()
        yield LazyStatic(id="brief")

    def on_mount(self) -> None:
        """Connect the plot."""
        chart = self.query_one(Chart)
        chart.source, chart.subject, chart.empty = self._plot, "comparison", _NO_VALUES

    def on_screen_suspend(self) -> None:
        """Call the measurement off when the page is left; a dialog over it does not leave it."""
        if self not in self.app.screen_stack:
            self._call_off()

    async def pulse(self) -> None:
        """Take up the runs that were chosen, and see how they go on."""
        if self._state.runs != self.maml.compare_runs:
            self._take_up()
        following = self._state
        try:
            looks = await asyncio.to_thread(following.fetch)
        except MamlError:
            self.maml.compare_runs = tuple(run for run in following.runs if run.config.is_file())
            raise
        if following.apply(looks):
            self._show()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """Offer to measure what there is."""
        return action != "measure" or bool(self._state.watches)

    def action_measure(self) -> None:
        """Measure all runs on the same test tasks, or call that off."""
        if self._measuring:
            self._call_off()
            return
        contenders = self._state.contenders()
        if len(contenders) < 2:
            raise UsageError("one run alone has nothing to be compared with: choose another one in Runs (3)")
        require_same_tasks(contenders)
        self.run_worker(self._measure(self._state), group=_MEASUREMENT)

    def _take_up(self) -> None:
        """Begin to show other runs, as far as they can be read and there is room."""
        self._call_off()
        watches = []
        if len(self.maml.compare_runs) > len(LETTERS):
            self.maml.tell(
                f"{len(LETTERS)} runs fit: those chosen after {self.maml.compare_runs[5].id} are left out"
            )
        for run in self.maml.compare_runs[: len(LETTERS)]:
            with self.maml.telling():
                watches.append(RunWatch(run))
        self._state = CompareState(watches)
        self.maml.compare_runs = self._state.runs
        chart = self.query_one(Chart)
        chart.metrics = metrics_of_all(watches) or chart.metrics
        chart.view = replace(chart.view.reset(), metric=chart.metrics[0], crosshair=None)
        self._show()
        self.set_focus(chart if watches else None)
        self.refresh_bindings()

    def _show(self) -> None:
        contenders = self._state.contenders()
        self.set_class(not contenders, "-empty")
        self.set_class(len(contenders) > _ABREAST, "-many")
        self.query_one(Chart).reload()
        if contenders:
            table = comparison_tables(contenders, self._state.at)
            self.query_one(ComparisonView).show(table, signs(self.maml.charset))
            self.query_one("#brief", LazyStatic).show(Content("\n".join(brief(table))))

    def _plot(self, view: ChartView) -> Plot:
        watches = self._state.watches
        left_out = without_metric(watches, view.metric)
        words = self.query_one("#left-out", LazyStatic)
        words.set_class(bool(left_out), "-needed")
        words.show(Content(left_out))
        return comparison_plot(watches, view, self.maml.charset)

    async def _measure(self, following: CompareState) -> None:
        self._measuring = True
        reports = {}
        try:
            overrides = same_for_all(following.watches[0].config, following.at, {})
            for letter, watch in zip(LETTERS, following.watches, strict=False):
                self._caption(f"measuring {letter} of {len(following.watches)}: m calls it off")
                request = EvaluateRequest(run=str(watch.run.path), overrides=overrides)
                reports[watch.run] = await ask_async(EVALUATE, request, self.maml.environment)
            following.measured_anew(reports)
            self._show()
        except MamlError as error:
            self.maml.tell(str(error), problem=True)
        finally:
            self._measuring = False
            self._caption("")

    def _call_off(self) -> None:
        self.workers.cancel_group(self, _MEASUREMENT)

    def _caption(self, text: str) -> None:
        self.query_one(ComparisonView).border_subtitle = text
