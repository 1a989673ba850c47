from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageColor

from maml_tui.plotting.figure_files import to_png
from maml_tui.plotting.grid import colour
from maml_tui.plotting.scales import Unit
from maml_tui.plotting.series import Plot, Series, Stroke


def picture(plot, *size):
    return Image.open(io.BytesIO(to_png(plot, *size))).convert("RGB")


def count(image, hex_colour):
    return int((np.asarray(image) == ImageColor.getrgb(hex_colour)).all(axis=2).sum())


@pytest.fixture
def plot():
    x = np.linspace(0, 60_000, 61)
    y = 1 - np.exp(-x / 9_000)
    val = Series("val", x, y, y - 0.02, y + 0.02)
    return Plot((val, Series("train", x, y - 0.1, slot=1)), y_unit=Unit.PERCENT, y_range=(0, 1))


def test_it_is_twice_as_large_as_the_figure(plot):
    assert picture(plot, 300, 200).size == (600, 400)


def test_lines_have_the_colours_of_their_series(plot):
    image = picture(plot)
    assert count(image, colour(0)) > 500
    assert count(image, colour(1)) > 500
    assert count(image, colour(2)) == 0


def test_dashes_and_dots_leave_parts_out(plot):
    def inked(stroke):
        return count(picture(Plot((replace(plot.series[1], stroke=stroke),))), colour(1))

    assert inked(Stroke.SOLID) > 1.2 * inked(Stroke.DASHED) > 1.2 * inked(Stroke.DOTTED) > 0


def test_bands_are_pale_and_can_be_left_out(plot):
    def pale(figure):
        pixels = np.asarray(picture(figure)).astype(int)
        return int(((pixels[..., 2] > 240) & (pixels[..., 0] < 230)).sum())

    assert pale(plot) > 2 * pale(replace(plot, band=False))


def test_nothing_is_drawn_beyond_the_axes():
    wild = Series("a", [0, 1, 2], [-50, 50, -50])
    pixels = np.asarray(picture(Plot((wild,), y_range=(0, 1), x_range=(0, 2))))
    inked = (pixels == ImageColor.getrgb(colour(0))).all(axis=2)
    assert inked[: 2 * 30].sum() == 0
    assert inked[2 * 373 :].sum() == 0


def test_a_title_is_written_and_an_axis_is_named_from_below(plot):
    def dark(image, box):
        return int((np.asarray(image.crop(box)) < 120).all(axis=2).sum())

    title, side = (400, 10, 1200, 50), (0, 100, 40, 700)
    bare, named = picture(plot), picture(replace(plot, title="omniglot", y_label="Accuracy"))
    assert dark(bare, title) == dark(bare, side) == 0
    assert dark(named, title) > 50
    assert dark(named, side) > 50


@pytest.mark.parametrize(
    "series",
    [
        (),
        (Series("a", [], []),),
        (Series("a", [1], [1]),),
        (Series("a", [1, 2], [np.nan, np.nan], [0, 0], [1, 1]),),
    ],
)
def test_there_need_not_be_anything_to_draw(series):
    strokes = [tuple(replace(one, stroke=stroke) for one in series) for stroke in Stroke]
    assert {picture(Plot(each)).size for each in strokes} == {(1440, 840)}


def test_a_figure_too_small_for_axes_is_refused(plot):
    with pytest.raises(ValueError, match="160"):
        to_png(plot, 100, 400)
