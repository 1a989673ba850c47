from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maml_tui.plotting import Charset
from maml_tui.plotting.pictures import image_cells, image_dots, image_text

CHECKS = np.array([[0, 255], [255, 0]], dtype=np.uint8)


def test_half_blocks_show_two_pixels_in_a_cell():
    picture = image_cells(CHECKS, 2, 1, Charset.UNICODE)
    assert picture.character == "▀"
    assert picture.foreground[0].tolist() == [[0, 0, 0], [255, 255, 255]]
    assert picture.background[0].tolist() == [[255, 255, 255], [0, 0, 0]]


def test_ascii_colours_spaces():
    picture = image_cells(CHECKS, 2, 2, Charset.ASCII)
    assert picture.character == " "
    assert picture.background[..., 0].tolist() == CHECKS.tolist()


def test_colours_are_kept():
    red = np.zeros((5, 3, 3), dtype=np.uint8)
    red[..., 0] = 200
    assert (image_cells(red, 2, 2, Charset.BLOCK).foreground == (200, 0, 0)).all()


@pytest.mark.parametrize(
    ("charset", "lines"), [(Charset.UNICODE, [" █", "█ "]), (Charset.ASCII, [" @", "@ "])]
)
def test_without_colour_brightness_is_density(charset, lines):
    assert image_text(CHECKS, 2, 2, charset) == lines


@pytest.mark.parametrize(
    ("charset", "line"), [(Charset.UNICODE, "⠘⢠"), (Charset.BLOCK, "▝▗"), (Charset.ASCII, "'.")]
)
def test_a_drawing_is_made_of_dots(charset, line):
    image = np.zeros((4, 4), dtype=np.uint8)
    image[:2, 1] = image[2:, 3] = 255
    assert image_dots(image, 2, 1, charset)[0][:2] == line


def test_thin_lines_survive_being_made_smaller():
    image = np.zeros((28, 28), dtype=np.uint8)
    image[:, 13] = 255
    assert all("⡇" in line or "⢸" in line for line in image_dots(image, 10, 5, Charset.UNICODE))


def test_a_smaller_picture_is_made_of_means():
    assert image_cells(CHECKS, 1, 1, Charset.ASCII).background.tolist() == [[[128, 128, 128]]]


@given(
    st.integers(1, 40), st.integers(1, 40), st.integers(1, 20), st.integers(1, 20), st.sampled_from(Charset)
)
def test_every_size_fits_every_other(height, width, columns, rows, charset):
    image = np.random.default_rng(height).integers(0, 256, (height, width), dtype=np.uint8)
    picture = image_cells(image, columns, rows, charset)
    assert picture.foreground.shape == picture.background.shape == (rows, columns, 3)
    lines = image_text(image, columns, rows, charset)
    assert [len(line) for line in lines] == [columns] * rows
    shown = np.stack((picture.foreground, picture.background))
    assert image.min() <= shown.min() <= shown.max() <= image.max()
