from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maml_tui.plotting.render import render
from maml_tui.plotting.series import Plot, Series
from maml_tui.runs.chart_view import ChartView, Viewport

X = np.arange(0.0, 501.0)
PLOT = Plot((Series("a", X, X / 500),), x_range=(0, 1000))
RAW = ChartView(smoothing=0)


def window(view, plot=PLOT):
    x = Viewport(plot, view).x
    return x.low, x.high


def test_at_first_all_is_in_sight():
    assert window(RAW) == (0, 1000)
    assert window(RAW, replace(PLOT, x_range=None)) == (0, 500)


def test_a_logarithmic_axis_begins_above_zero():
    assert window(replace(RAW, log_x=True)) == (1, 1000)


@pytest.mark.parametrize(
    ("view", "about", "expected"),
    [
        (RAW, None, (250, 750)),
        (replace(RAW, crosshair=100.0), None, (50, 550)),
        (RAW, 1.0, (500, 1000)),
        (replace(RAW, window=(200, 400), crosshair=900.0), None, (250, 350)),
    ],
)
def test_zooming_in_keeps_a_place(view, about, expected):
    assert window(Viewport(PLOT, view).zoomed(0.5, about)) == pytest.approx(expected)


def test_zooming_out_ends_with_the_whole_axis():
    view = replace(RAW, window=(900, 980))
    assert window(Viewport(PLOT, view).zoomed(2)) == pytest.approx((840, 1000))
    for _ in range(5):
        view = Viewport(PLOT, view).zoomed(2)
    assert view.window is None


def test_panning_stops_at_the_ends():
    view = replace(RAW, window=(100, 300))
    assert window(Viewport(PLOT, view).panned(0.25)) == pytest.approx((150, 350))
    assert window(Viewport(PLOT, view).panned(-5)) == pytest.approx((0, 200))
    assert window(Viewport(PLOT, view).panned(50)) == pytest.approx((800, 1000))


def test_the_crosshair_appears_at_the_newest_sample_and_moves_on_from_there():
    view = Viewport(PLOT, RAW).moved(-0.01)
    assert view.crosshair == 500
    assert Viewport(PLOT, view).moved(-0.01).crosshair == pytest.approx(490)
    assert Viewport(PLOT, view).moved(-9).crosshair == 0
    assert Viewport(PLOT, view).moved(9).crosshair == 1000


def test_the_window_goes_along_with_the_crosshair():
    view = Viewport(PLOT, replace(RAW, window=(100, 200), crosshair=195.0)).moved(0.1)
    assert view.crosshair == pytest.approx(205)
    assert window(view) == pytest.approx((105, 205))


def test_pointing_is_within_the_window():
    assert Viewport(PLOT, replace(RAW, window=(100, 200))).pointed(0.25).crosshair == pytest.approx(125)


def test_following_shows_the_newest_quarter_and_jumps_along():
    view = Viewport(PLOT, RAW).followed()
    assert view.follow
    assert view.window == pytest.approx((375, 500))
    seen = {window(view, grown(n)) for n in range(501, 620)}
    assert len(seen) <= 5
    for n in range(501, 620):
        low, high = window(view, grown(n))
        assert low < n - 1 < high
        assert high - low == pytest.approx(125)


def test_following_ends_where_it_is():
    view = Viewport(PLOT, RAW).followed()
    there = window(view)
    stopped = Viewport(PLOT, view).followed()
    assert not stopped.follow
    assert window(stopped, grown(900)) == pytest.approx(there)
    assert not Viewport(PLOT, view).panned(-1).follow


def test_following_before_the_first_sample_shows_everything():
    view = Viewport(grown(0), RAW).followed()
    assert view.follow
    assert window(view, grown(0)) == (0, 1000)


def grown(n):
    x = np.arange(float(n))
    return replace(PLOT, series=(Series("a", x, x / 500),))


def test_the_y_range_is_kept_while_it_serves():
    first = Viewport(grown(400), RAW).framed()
    second = Viewport(grown(401), RAW).framed(first.y_range)
    assert second.y_range == first.y_range
    assert Viewport(grown(501), RAW).framed((0, 0.1)).y_range == (0, 1)


def test_the_y_range_is_that_of_what_is_in_sight():
    plot = Viewport(PLOT, replace(RAW, window=(0, 50))).framed()
    assert plot.y_range == (0, 0.1)


def test_the_view_decides_how_the_plot_looks():
    view = ChartView(log_x=True, log_y=True, smoothing=0.6, band=False, crosshair=7.0)
    plot = Viewport(PLOT, view).framed()
    assert (plot.x_log, plot.y_log, plot.smoothing, plot.band, plot.crosshair) == (
        True,
        True,
        0.6,
        False,
        7.0,
    )
    assert plot.y_range[0] > 0


MOVES = st.lists(
    st.tuples(
        st.sampled_from(["moved", "zoomed", "panned", "followed", "pointed", "reset", "log_x", "log_y"]),
        st.floats(-20, 20),
    ),
    max_size=12,
)
PLOTS = st.sampled_from(
    [
        PLOT,
        Plot(),
        Plot((Series("one", [3.0], [np.nan]),), x_range=(0, 0)),
        Plot((Series("b", X, -X, -X - 1, -X + 1),), x_range=(-1e9, 1e9)),
        Plot((Series("c", X * 1e-200, X * 1e290),)),
    ]
)


@settings(max_examples=200, deadline=None)
@given(PLOTS, MOVES)
def test_wherever_one_goes_there_is_something_to_draw(plot, moves):
    view = ChartView()
    for name, amount in moves:
        sight = Viewport(plot, view)
        if name in ("log_x", "log_y"):
            view = replace(view, **{name: not getattr(view, name)})
        elif name == "reset":
            view = view.reset()
        elif name == "followed":
            view = sight.followed()
        else:
            view = getattr(sight, name)(2.0**amount if name == "zoomed" else amount)
        sight = Viewport(plot, view)
        assert 0 <= sight.low < sight.high <= 1
        if view.crosshair is not None:
            assert np.isfinite(view.crosshair)
        assert render(sight.framed(), 30, 8).characters.shape == (8, 30)
