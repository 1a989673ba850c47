from __future__ import annotations

from dataclasses import replace

import pytest

from maml_tui.plotting.scales import Unit
from maml_tui.plotting.series import Plot, Series, Stroke
from maml_tui.runs.chart_view import ChartView, Viewport
from maml_tui.widgets.captions import heading, readings

VAL = Series("meta-val", [1000, 18_000], [0.5, 0.9312], [0.49, 0.9241], [0.51, 0.9383])
TRAIN = Series("meta-train", [1000, 18_212], [0.4, 0.95], slot=1, stroke=Stroke.DASHED)
PLOT = Plot((TRAIN, VAL), x_range=(0, 60_000), y_unit=Unit.PERCENT, x_label="iterations", y_label="Accuracy")


def seen(view, plot=PLOT):
    return Viewport(plot, view).framed()


@pytest.mark.parametrize(
    ("view", "text"),
    [
        (ChartView(), "Accuracy · A ━ meta-val  B ╌ meta-train · 95% CI · EMA .9 · x: iterations"),
        (ChartView(band=False, smoothing=0), "Accuracy · A ━ meta-val  B ╌ meta-train · x: iterations"),
        (
            ChartView(band=False, smoothing=0, log_x=True, log_y=True, follow=True),
            "Accuracy · A ━ meta-val  B ╌ meta-train · log y · log x · following · x: iterations",
        ),
    ],
)
def test_a_heading_says_what_is_shown_and_how(view, text):
    assert heading(seen(view), view, 200) == text


def test_a_heading_fits():
    assert (
        heading(seen(ChartView()), ChartView(), 60)
        == "Accuracy · A ━ meta-val  B ╌ meta-train · 95% CI · EMA .9"
    )
    assert heading(seen(ChartView()), ChartView(), 30) == "Accuracy"
    assert heading(seen(ChartView()), ChartView(), 3) == "Acc"
    assert heading(seen(ChartView()), ChartView(), 0) == heading(seen(ChartView()), ChartView(), -2) == ""


def test_the_crosshair_is_read_with_uncertainty_and_places_that_differ():
    plot = seen(ChartView())
    assert readings(plot, 18_212.4, 200, 70) == "▸ 18,212  A 93.12% ±0.71%  B 95.00%"
    assert readings(plot, 18_212.4, 200, 1000) == "▸ 18,212  A 93.12% ±0.71% @18,000  B 95.00%"
    assert readings(plot, 18_212.4, 30, 70) == "▸ 18,212  A 93.12% ±0.71%"


def test_a_crosshair_over_nothing_still_says_where_it_is():
    plot = replace(PLOT, series=(), x_unit=Unit.TIME)
    assert readings(seen(ChartView(), plot), 61.4, 80, 70) == "▸ 0:01:01"


def test_labels_are_escaped():
    plot = replace(PLOT, y_label="acc\x1b")
    assert heading(seen(ChartView(), plot), ChartView(), 200).startswith("acc\\x1b · ")
