from __future__ import annotations

import re
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest

from maml_tui.plotting.figure_files import to_svg
from maml_tui.plotting.scales import Unit
from maml_tui.plotting.series import Plot, Series, Stroke

NS = "{http://www.w3.org/2000/svg}"


def parsed(plot, *size):
    return ElementTree.fromstring(to_svg(plot, *size))


def texts(root):
    return [element.text for element in root.iter(f"{NS}text")]


def strokes(root):
    return [element for element in root.iter(f"{NS}path") if element.get("stroke-width") == "2"]


def corners(path):
    return re.findall(r"[\d.]+,[\d.]+", path.get("d"))


@pytest.fixture
def plot():
    x = np.linspace(0, 60_000, 61)
    y = 1 - np.exp(-x / 9_000)
    val = Series("val", x, y, y - 0.02, y + 0.02)
    return Plot((val, Series("train", x, y, slot=1, stroke=Stroke.DASHED)), y_unit=Unit.PERCENT)


def test_a_figure_names_everything(plot):
    root = parsed(replace(plot, title="Accuracy", x_label="iteration", y_label="meta-val"))
    assert {"Accuracy", "iteration", "meta-val", "A val", "B train", "60k", "100%"} <= set(texts(root))


def test_lines_differ_in_more_than_colour(plot):
    dashes = [path.get("stroke-dasharray") for path in strokes(parsed(plot))]
    assert dashes == [None, "8 4"] * 2


def test_labels_cannot_break_the_document(plot):
    hostile = Series('<script>"&\x00\x1b', [0, 1], [0, 1])
    root = parsed(Plot((hostile,), title="]]> & <b>"))
    assert {'A <script>"&\\x00\\x1b', "]]> & <b>"} <= set(texts(root))


def test_a_band_can_be_left_out(plot):
    def bands(figure):
        return [path for path in parsed(figure).iter(f"{NS}path") if path.get("fill-opacity")]

    assert len(bands(plot)) == 1
    assert bands(replace(plot, band=False)) == []


def test_a_gap_parts_the_line():
    root = parsed(Plot((Series("a", range(5), [0, 1, np.nan, 1, 0]),)))
    assert strokes(root)[0].get("d").count("M") == 2


def test_many_samples_make_a_small_file_and_lose_no_spike():
    y = np.random.default_rng(0).normal(size=50_000)
    y[31_234] = 40.0
    text = to_svg(Plot((Series("a", np.arange(50_000), y),), y_range=(-50, 50)))
    line = corners(strokes(ElementTree.fromstring(text))[0])
    highest = 372 - (40 + 50) / 100 * (372 - 58)
    assert len(text) < 120_000
    assert min(float(corner.split(",")[1]) for corner in line) == pytest.approx(highest, abs=0.02)


def test_smoothing_lies_over_the_raw_line():
    root = parsed(Plot((Series("a", range(9), [0, 1] * 4 + [0]),), smoothing=0.9))
    raw = [path for path in root.iter(f"{NS}path") if path.get("stroke-opacity")]
    assert len(raw) == 1
    assert corners(raw[0]) != corners(strokes(root)[0])


def test_points_are_circles():
    root = parsed(Plot((Series("support", [0, 1, 2], [1, np.nan, 2], stroke=Stroke.POINTS),)))
    assert len(list(root.find(f"{NS}g").iter(f"{NS}circle"))) == 2


def test_a_long_legend_goes_on_in_a_new_row():
    root = parsed(Plot(tuple(Series(f"omniglot-20w1s-maml-{i}", [], [], slot=i) for i in range(6))))
    rows = {text.get("y") for text in root.iter(f"{NS}text") if text.text and "omniglot" in text.text}
    assert len(rows) == 2


def test_a_figure_too_small_for_axes_is_refused(plot):
    with pytest.raises(ValueError, match="160"):
        to_svg(plot, 100, 400)
