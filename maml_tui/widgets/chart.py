"""A plot that one can look around in, by keyboard and by mouse."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self, cast

from textual.binding import Binding
from textual.content import Content
from textual.geometry import Region
from textual.message import Message

from engine.errors import UsageError
from maml_tui.plotting.figure_files import series_csv
from maml_tui.plotting.frame import in_sight
from maml_tui.plotting.series import Plot
from maml_tui.runs.chart_view import ChartView, Viewport
from maml_tui.runs.series import Metric, XAxis
from maml_tui.widgets.actions import bindings
from maml_tui.widgets.captions import heading, readings
from maml_tui.widgets.plot_view import PlotView

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from textual import events

    from maml_tui.app.app import MamlApp

# Columns by which a title must be shorter than the content for Textual to show it whole.
_ROOM_BESIDE_CAPTIONS = 4
_WHEEL = 0.8


class Chart(PlotView, can_focus=True):
    """Shows what its source makes of a view; keys and mouse change the view.

    Attributes:
        source: Makes the plot of a view, over its whole x-axis; None for nothing.
        subject: What figures are of, for the names of exported files.
    """

    ALLOW_MAXIMIZE = True
    BINDINGS: ClassVar = [*bindings("plot"), Binding("escape", "hide_crosshair", show=False)]
    DEFAULT_CSS = """
    Chart {
        border: round $foreground 40%;
        border-title-color: $text;
        border-subtitle-color: $text;
        &:focus { border: heavy $primary; }
    }
    """

    @dataclass
    class Moved(Message):
        """A person has moved the crosshair to `x`, or taken it away (None); what a program sets is not told."""

        chart: Chart
        x: float | None

        @property
        def control(self) -> Chart:
            """The chart."""
            return self.chart

    def __init__(
        self,
        *,
        view: ChartView | None = None,
        metrics: Sequence[Metric] = (Metric.ACCURACY,),
        id: str | None = None,  # noqa: A002 - Textual's name
    ) -> None:
        super().__init__(id=id)
        self.source: Callable[[ChartView], Plot] | None = None
        self.metrics = metrics
        self.subject = "plot"
        self._captions = ("", "")
        self._view = self._seen = view or ChartView(metric=metrics[0])
        self._data = Plot()
        self._repainted: Region | None = None
        self._drag: tuple[int, ChartView] | None = None

    @property
    def view(self) -> ChartView:
        """How the plot is looked at. Setting it shows the plot like that."""
        return self._view

    @view.setter
    def view(self, view: ChartView) -> None:
        old, self._view = self._view, view
        if (view.metric, view.x_axis) != (old.metric, old.x_axis):
            self.reload()
        elif view != old:
            self._look()

    def reload(self) -> None:
        """Ask the source again: the data have changed."""
        self._data = Plot() if self.source is None else self.source(self._view)
        self._look()

    def on_resize(self) -> None:
        """Fit the captions."""
        self._write_captions()

    def refresh(
        self, *regions: Region, repaint: bool = True, layout: bool = False, recompose: bool = False
    ) -> Self:
        """Paint the widget, or regions of it, again. For a new title Textual asks for all of it: the border will do."""
        if self._repainted is not None:
            regions = (self._repainted,)
        return super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """Leave escape to others where there is no crosshair to hide."""
        return action != "hide_crosshair" or self._view.crosshair is not None

    def action_crosshair(self, columns: int) -> None:
        """Move the crosshair by so many columns."""
        self._change(self._viewport.moved(columns / self._columns))

    def action_hide_crosshair(self) -> None:
        """Take the crosshair away."""
        self._change(replace(self._view, crosshair=None))

    def action_zoom(self, factor: float) -> None:
        """Show so many times as much of the x-axis."""
        self._change(self._viewport.zoomed(factor))

    def action_pan(self, step: float) -> None:
        """Move along the x-axis by so many times what is in sight."""
        self._change(self._viewport.panned(step))

    def action_reset(self) -> None:
        """Show the whole x-axis."""
        self._change(self._view.reset())

    def action_follow(self) -> None:
        """Keep the newest sample in sight, or stop doing so."""
        self._change(self._viewport.followed())

    def action_switch(self, what: Literal["log_y", "log_x", "band"]) -> None:
        """Change between a logarithmic and a linear axis, or show confidence bands and hide them."""
        other: dict[str, Any] = {what: not getattr(self._view, what)}
        self._change(replace(self._view, **other))

    def action_x_axis(self) -> None:
        """Go on to the next x-axis."""
        self._change(self._view.with_next_x_axis(tuple(XAxis)))

    def action_smooth(self) -> None:
        """Go on to the next smoothing."""
        self._change(self._view.with_next_smoothing())

    def action_metric(self, step: int) -> None:
        """Go on to a neighbour in the list of metrics."""
        self._change(self._view.with_metric(self.metrics, step))

    async def action_export(self) -> None:
        """Write the figure to files, and say where they are."""
        self._require_samples()
        self._maml.tell(await self.export(self.subject))

    def action_copy(self) -> None:
        """Copy the values in sight."""
        self._require_samples()
        self._maml.copy(series_csv(in_sight(self.plot), "\t"), "values")

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Zoom in on what is under the mouse."""
        event.stop()
        self._change(self._viewport.zoomed(_WHEEL, self._fraction(event)))

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Zoom out around what is under the mouse."""
        event.stop()
        self._change(self._viewport.zoomed(1 / _WHEEL, self._fraction(event)))

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Take hold of the plot."""
        self.capture_mouse()
        self._drag = event.screen_x, self._view

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Drag the plot along."""
        if self._drag is not None:
            start, view = self._drag
            self._change(Viewport(self._data, view).panned((start - event.screen_x) / self._columns))

    def on_mouse_up(self, event: events.MouseUp) -> None:
        """Let the plot go. Where it was not dragged, put the crosshair there."""
        self.release_mouse()
        if self._drag is not None and self._drag[0] == event.screen_x and self._drag[1] == self._view:
            self._change(self._viewport.pointed(self._fraction(event)))
        self._drag = None

    @property
    def _maml(self) -> MamlApp:
        return cast("MamlApp", self.app)

    @property
    def _viewport(self) -> Viewport:
        return Viewport(self._data, self._view)

    @property
    def _columns(self) -> int:
        """Steps of a column from one end of the x-axis to the other."""
        return max(1, self.frame.columns - 1)

    def _fraction(self, event: events.MouseEvent) -> float:
        """Return where on the x-axis, as a fraction of what is in sight, the mouse is."""
        return (event.get_content_offset_capture(self).x - self.frame.gutter) / self._columns

    def _change(self, view: ChartView) -> None:
        moved = view.crosshair != self._view.crosshair
        self.view = view
        if moved:
            self.post_message(self.Moved(self, view.crosshair))

    def _look(self) -> None:
        previous = self.plot.y_range if self._view.same_axes(self._seen) else None
        self._seen = self._view
        self.show(self._viewport.framed(previous))
        self._write_captions()

    def _write_captions(self) -> None:
        room, crosshair = self.size.width - _ROOM_BESIDE_CAPTIONS, self._view.crosshair
        captions = (
            heading(self.plot, self._view, room),
            "" if crosshair is None else readings(self.plot, crosshair, room, self._columns),
        )
        (old_title, old_subtitle), self._captions = self._captions, captions
        title, subtitle = captions
        if title != old_title:
            self._repainted = self._border(-1)
            self.border_title = Content(title)
        if subtitle != old_subtitle:
            self._repainted = self._border(self.size.height)
            self.border_subtitle = Content(subtitle)
        self._repainted = None

    def _border(self, row: int) -> Region:
        return Region(-1, row, self.size.width + 2, 1)

    def _require_samples(self) -> None:
        if not any(len(one.x) for one in self.plot.series):
            raise UsageError("there are no values yet: wait for the first ones")
