"""Train: a run as it learns, and the keys that control it."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from textual import on
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Static

from engine.errors import UsageError
from engine.runs.events import LIVE_STATES
from maml_tui.pages.run_control import RunControlPage
from maml_tui.pages.train.metrics import metrics, summary
from maml_tui.pages.train.pane import Composer, Pane, content
from maml_tui.pages.train.progress import nothing_yet, notice, progress_bar, progress_text, status_line
from maml_tui.pages.train.scene import Line, Panel, Scene, resumable
from maml_tui.pages.train.sections import adaptation, event_list, latest, machine, outcome
from maml_tui.runs.chart_view import ChartView
from maml_tui.runs.series import metrics_of, training_plot
from maml_tui.widgets.chart import Chart

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.app import ComposeResult
    from textual.events import DescendantFocus

    from engine.runs.status import Telemetry
    from maml_tui.runs.history import History
    from maml_tui.runs.watch import RunWatch

_NOTHING = """No run is open.

1  set one up and start it
3  open one from the list of runs

or, from a shell: maml train PRESET"""

_TABS = {
    "first": "Plot",
    "second": "Plot 2",
    "outcome": "Result",
    "metrics": "Metrics",
    "adaptation": "Adaptation",
    "machine": "Machine",
    "events": "Events",
}
"""What can be focused, in the order of `tab`."""

_SAMPLES = 256

_FOR_LIVE = frozenset({"pause", "checkpoint", "evaluate", "stop"})


def _one(line: Callable[[Scene, int], Line]) -> Composer:
    """Return what makes a pane of a single line."""
    return lambda scene, width, _: Panel("", [line(scene, width)])


class TrainPage(RunControlPage, page="train"):
    """One run: its state, its plots, its numbers, its events."""

    def __init__(self) -> None:
        super().__init__()
        self._watch: RunWatch | None = None
        self._machine: deque[Telemetry] = deque(maxlen=_SAMPLES)
        self._history: History | None = None
        self._notice: Line = ()
        self._current = "first"
        self._shown = (-1, 0)

    def body(self) -> ComposeResult:
        """Lay out the lines at the top, plots at the left, panels at the right, events below."""
        yield Static(_NOTHING, id="nothing", markup=False)
        with Vertical(id="run"):
            yield Pane(_one(status_line), framed=False, id="status")
            with Horizontal(id="progress"):  # two panes, so that the bar keeps its length whatever the text
                yield Pane(_one(progress_bar), framed=False, id="bar")
                yield Pane(_one(progress_text), framed=False, id="next")
            yield Static(id="notice", markup=False)
            yield Static(id="tabs", markup=False)
            with Horizontal(id="main"):
                with Vertical(id="plots"):
                    yield Chart(id="first")
                    yield Chart(id="second")
                with Vertical(id="panels"):
                    yield Pane(lambda scene, width, _: outcome(scene, width), framed=True, id="outcome")
                    yield Pane(lambda scene, *_: metrics(scene), framed=True, id="metrics")
                    yield Pane(adaptation, framed=True, id="adaptation")
                    yield Pane(lambda scene, width, _: machine(scene, width), framed=True, id="machine")
            yield Pane(lambda scene, *_: event_list(scene), framed=True, id="events")
            yield Pane(lambda scene, width, _: summary(scene, width), framed=False, id="summary")
            yield Pane(lambda scene, *_: latest(scene), framed=False, id="latest")

    async def pulse(self) -> None:
        """Show the watched run, if anything about it has changed."""
        watch = self.maml.watched
        self.set_class(watch is None, "-empty")
        if watch is None:
            return
        if watch is not self._watch:
            self._watch = watch
            self._take_up(watch)
        moment = int(time.time()) if watch.status.state in LIVE_STATES else 0
        if (watch.version, moment) != self._shown:
            self._shown = watch.version, moment
            self._show(watch)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """Offer only what makes sense in the state that the run is in."""
        watch = self._watch
        if watch is None or action not in _FOR_LIVE | {"resume"}:
            return True
        if action == "resume":
            return watch.status.state == "paused" or resumable(watch) or None
        return watch.status.state in LIVE_STATES or None

    def back(self) -> None:
        """Go to the first plot, from which all keys of the plots work."""
        self.query_one("#first").focus()

    def interrupt(self) -> None:
        """Answer Ctrl-C: ask how to leave a live run."""
        if self.check_action("stop", ()) and self._watch is not None and not self.maml.readonly:
            self.action_stop()
        else:
            super().interrupt()

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        """Where there is room for one pane only, show the one that has the focus."""
        if event.widget.id in _TABS:
            self._current = event.widget.id
            self._show_current()

    @on(Chart.Moved)
    def _move_together(self, event: Chart.Moved) -> None:
        """Point at the same place in all plots that have the same x-axis."""
        for chart in self.query(Chart):
            if chart.view.x_axis is event.chart.view.x_axis:
                chart.view = replace(chart.view, crosshair=event.x)

    def action_pause(self) -> None:
        """Pause the run, or resume it."""
        watch = self._controlled()
        self.ask(watch.run, "resume" if watch.status.state == "paused" else "pause")

    def action_checkpoint(self) -> None:
        """Have a checkpoint written."""
        self.ask(self._controlled().run, "checkpoint")

    def action_evaluate(self) -> None:
        """Have the run evaluated on the validation tasks."""
        self.ask(self._controlled().run, "evaluate")

    def action_resume(self) -> None:
        """Resume the run, whatever keeps it from going on."""
        self.resume(self._controlled().run)

    def action_stop(self) -> None:
        """Ask how to leave or stop the run."""
        self.choose_stop(self._controlled().run)

    def action_log(self) -> None:
        """Give the events the whole page, or take it back."""
        events = self.query_one("#events", Pane)
        if self.maximized is events:
            self.minimize()
        else:
            events.focus()
            self.maximize(events)

    def action_overlay(self) -> None:
        """Compare this run with those that are compared already."""
        this = self._require_watch().run
        self.maml.compare_runs = (this, *(run for run in self.maml.compare_runs if run != this))
        self.maml.show("compare")

    def _require_watch(self) -> RunWatch:
        if self._watch is None:
            raise UsageError("no run is open: open one from the list of runs (3)")
        return self._watch

    def _controlled(self) -> RunWatch:
        watch = self._require_watch()
        self.require_control()
        return watch

    def _take_up(self, watch: RunWatch) -> None:
        """Begin to show another run."""
        self._machine.clear()
        self._history = None
        self._shown = (-1, 0)
        known = metrics_of(watch.config)
        for chart, metric in zip(self.query(Chart), known, strict=False):
            chart.metrics, chart.subject = known, f"{watch.record.name}-{watch.run.id}"
            chart.source = partial(training_plot, watch, charset=self.maml.charset)
            chart.view = ChartView(metric=metric)
        self.query_one("#first" if watch.result is None else "#outcome").focus()

    def _show(self, watch: RunWatch) -> None:
        telemetry = watch.status.telemetry
        if telemetry is not None and (not self._machine or self._machine[-1].time != telemetry.time):
            self._machine.append(telemetry)
        scene = Scene(watch, time.time(), self.maml.charset, tuple(self._machine))
        for pane in self.query(Pane):
            pane.show(scene)
        self._explain(notice(scene))
        self._make_room_for_result(watch.result is not None)
        if watch.history is not self._history:
            self._history = watch.history
            for chart in self.query(Chart):
                chart.empty = nothing_yet(watch.status.state)
                chart.reload()

    def _explain(self, line: Line) -> None:
        if line != self._notice:
            self.refresh_bindings()  # what explains the state changes with it, and so does what can be done
            self._notice = line
            notice_line = self.query_one("#notice", Static)
            notice_line.update(content(line))
            notice_line.display = bool(line)

    def _make_room_for_result(self, measured: bool) -> None:
        """Show the result as soon as there is one, in place of another pane where there is room for one only."""
        if measured == self.has_class("-measured"):
            return
        self.set_class(measured, "-measured")
        if measured or self._current == "outcome":
            self._current = "outcome" if measured else "first"
        self._show_current()
        self.call_after_refresh(self._keep_focus_in_sight)

    def _keep_focus_in_sight(self) -> None:
        if self.focused is None or not self.focused.region:
            self.query_one(f"#{self._current}").focus()

    def _show_current(self) -> None:
        """Mark the pane that is shown where there is room for one only."""
        shown = self.query_one(f"#{self._current}")
        for node in self.query("#run *"):
            node.set_class(node is shown or node in shown.ancestors, "-current")
        tabs = [
            Content.styled(title, "reverse" if name == self._current else "dim")
            for name, title in _TABS.items()
            if name != "outcome" or self.has_class("-measured")
        ]
        self.query_one("#tabs", Static).update(Content("  ").join(tabs))
