from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from textual import events

from engine.errors import UsageError
from maml_tui.plotting.scales import Unit
from maml_tui.plotting.series import Plot, Series, Stroke
from maml_tui.runs.chart_view import ChartView
from maml_tui.runs.series import Metric, XAxis
from maml_tui.widgets.chart import Chart

GUTTER, STEPS = 6, 51
"""Columns left of the x-axis, and steps from its one end to the other, in a terminal of 60 columns."""

METRICS = (Metric.ACCURACY, Metric.LOSS)


class Data:
    """A source of plots of a run that goes on when told."""

    def __init__(self, samples=501):
        self.samples = samples
        self.asked = []

    def __call__(self, view):
        self.asked.append(view)
        x = np.arange(float(self.samples))
        y = 0.9 - 0.6 * np.exp(-x / 100)
        xv, yv = x[100::100], y[100::100]
        val = Series("val", xv, yv, yv - 0.02, yv + 0.02)
        scale = 1 if view.x_axis is XAxis.ITERATIONS else 8
        series = (Series("train", scale * x, y, slot=1, stroke=Stroke.DASHED), replace(val, x=scale * xv))
        return Plot(
            series,
            x_range=(0, 1000 * scale),
            y_unit=Unit.PERCENT,
            x_label=view.x_axis.value,
            y_label=view.metric.label,
            title="demo",
        )


@pytest.fixture
def chart():
    made = Chart(metrics=METRICS)
    made.source = Data()
    return made


@pytest.fixture
def pressed(perform, chart):
    """Press keys in the focused chart; return the chart."""

    def press(*keys, **terminal):
        perform(chart, load, *(_press(key) for key in keys), **terminal)
        return chart

    return press


def load(app, _):
    app.widget.focus()
    app.widget.reload()


def _press(key):
    return lambda _, pilot: pilot.press(key)


def window(chart):
    return chart.plot.x_range


def test_at_first_the_whole_run_is_shown(pressed):
    chart = pressed()
    assert window(chart) == (0, 1000)
    assert chart.border_title == "Accuracy · A ━ val  B ╌ train · 95% CI · EMA .9"
    assert chart.border_subtitle in (None, "")


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        (["y"], ChartView(log_y=True)),
        (["g"], ChartView(log_x=True)),
        (["b"], ChartView(band=False)),
        (["b", "b"], ChartView()),
        (["s"], ChartView(smoothing=0.99)),
        (["p"], ChartView(metric=Metric.LOSS)),
        (["P"], ChartView(metric=Metric.LOSS)),
        (["x"], ChartView(x_axis=XAxis.TASKS)),
        (["left"], ChartView(crosshair=500.0)),
        (["l", "escape"], ChartView()),
        (["plus"], ChartView(window=(250.0, 750.0))),
        (["plus", "left_square_bracket"], ChartView(window=(125.0, 625.0))),
        (["plus", "right_square_bracket"], ChartView(window=(375.0, 875.0))),
        (["plus", "minus"], ChartView()),
        (["plus", "plus", "0"], ChartView()),
        (["f"], ChartView(follow=True, window=(375.0, 500.0))),
        (["f", "f", "0"], ChartView()),
    ],
)
def test_keys_change_the_view(pressed, keys, expected):
    assert pressed(*keys).view == expected


def test_the_crosshair_moves_by_columns(pressed):
    chart = pressed("right", "left", "h", "shift+left")
    assert chart.view.crosshair == pytest.approx(500 - 12 * 1000 / STEPS)
    assert chart.border_subtitle.startswith("▸ ")
    assert " A " in chart.border_subtitle and "±2.00%" in chart.border_subtitle


def test_escape_hides_the_crosshair_first_and_is_left_to_others_then(perform, chart):
    heard = []

    def listen(app, _):
        app.action_back = lambda: heard.append("back")
        app.bind("escape", "back")

    _, screen, _ = perform(chart, load, listen, *map(_press, ["left", "escape"]))
    assert (chart.view.crosshair, heard) == (None, [])
    assert "▸" not in "".join(screen.display)
    perform(again := Chart(), load, listen, _press("escape"))
    assert heard == ["back"]
    assert again.view == ChartView()


def test_the_source_is_asked_only_when_other_data_are_wanted(pressed):
    asked = pressed("y", "plus", "left", "b", "s", "p", "f").source.asked
    assert [view.metric for view in asked] == list(METRICS)


def test_without_a_source_there_is_nothing_to_show(perform):
    _, screen, _ = perform(Chart(), load, *map(_press, ["left", "plus", "f", "y", "p"]))
    assert "Accuracy" not in "".join(screen.display)


def test_what_a_person_moves_is_told_and_what_a_program_sets_is_not(perform):
    told = []

    class Listening(Chart):
        def on_chart_moved(self, message):
            told.append((message.control, message.x))

    def set_crosshair(app, _):
        app.widget.view = replace(app.widget.view, crosshair=100.0)

    chart = Listening(metrics=METRICS)
    chart.source = Data()
    perform(chart, load, *map(_press, ["left", "plus"]), set_crosshair, _press("escape"))
    assert told == [(chart, 500.0), (chart, None)]


def test_a_click_sets_the_crosshair(perform, chart):
    perform(chart, load, lambda _, pilot: pilot.click(Chart, offset=(1 + GUTTER, 5)))
    assert chart.view.crosshair == 0


@pytest.mark.parametrize(("kind", "factor"), [(events.MouseScrollUp, 0.8), (events.MouseScrollDown, 1.25)])
def test_the_wheel_zooms_around_the_mouse(perform, chart, kind, factor):
    def turn(app, _):
        x, y = 1 + GUTTER + STEPS, 5
        app.widget.post_message(kind(app.widget, x, y, 0, 0, 0, False, False, False, x, y))

    perform(chart, load, _press("plus"), turn)
    assert chart.view == ChartView(window=pytest.approx((750 - 500 * factor, 750)))


def test_dragging_pans(perform, chart):
    async def drag(app, pilot):
        await pilot.mouse_down(Chart, offset=(40, 5))
        await pilot.hover(Chart, offset=(35, 5))
        await pilot.mouse_up(Chart, offset=(35, 5))

    perform(chart, load, _press("plus"), drag)
    step = 500 / STEPS
    assert chart.view == ChartView(window=pytest.approx((250 + 5 * step, 750 + 5 * step)))


def test_partial_repaints_leave_the_same_screen_as_a_full_one(perform, chart):
    def grow(app, _):
        app.widget.source.samples += 3
        app.widget.reload()

    keys = [
        "left",
        "shift+left",
        "plus",
        "y",
        "s",
        "h",
        "right_square_bracket",
        "escape",
        "p",
        "left",
        "minus",
    ]
    steps = [move for key in keys for move in (_press(key), grow)]
    _, screen, costs = perform(chart, load, *steps)

    whole = Chart(metrics=METRICS, view=chart.view)
    whole.source = Data(chart.source.samples)
    whole._plot = replace(whole.plot, y_range=chart.plot.y_range)
    _, fresh, _ = perform(whole, load)
    assert screen.buffer == fresh.buffer
    assert costs[1] < 1500


def test_news_cost_little_and_no_news_nothing(perform, chart):
    def grow(app, _):
        app.widget.source.samples += 1
        app.widget.reload()

    _, _, costs = perform(chart, load, grow, lambda app, _: app.widget.reload())
    assert costs[1] < 300
    assert costs[2] == 0


def test_a_heading_is_fitted_when_the_size_changes(perform, chart):
    _, _, _ = perform(chart, load, lambda _, pilot: pilot.resize_terminal(26, 8))
    assert chart.border_title == "Accuracy"


@pytest.mark.parametrize("size", [(1, 1), (3, 3), (4, 2), (12, 4), (30, 6)])
def test_there_is_no_size_it_cannot_be(perform, chart, size):
    keys = ["left", "plus", "right_square_bracket", "f", "y", "g", "x", "p", "minus", "0"]
    _, screen, _ = perform(chart, load, *map(_press, keys), size=size)
    assert len(screen.display) == size[1]


def test_exporting_writes_the_figure_and_says_where(perform, chart, root):
    chart.subject = "7f3a"
    app, _, _ = perform(chart, load, _press("w"))
    written = sorted(path.suffix for path in (root.parent / "exports").iterdir())
    assert written == [".csv", ".png", ".svg"]
    (text,) = app.told
    assert text.startswith(f"figure written to {root.parent}/exports/7f3a-accuracy-")
    assert text.endswith(".svg, beside it .png and .csv")


def test_copying_gives_what_is_in_sight_as_a_table(perform, chart):
    app, _, _ = perform(chart, load, _press("plus"), _press("Y"))
    ((text, what),) = app.copied
    rows = [line.split("\t") for line in text.splitlines()]
    assert what == "values"
    assert rows[0] == ["series", "x", "y", "low", "high"]
    assert {float(row[1]) for row in rows[1:] if row[0] == "val"} == {300, 400, 500}


def test_nothing_cannot_be_exported():
    with pytest.raises(UsageError, match="no values yet"):
        Chart().action_copy()
