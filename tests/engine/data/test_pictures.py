"""Picture files of every make become upright, opaque 8-bit squares; what is none is told in a sentence."""

from __future__ import annotations

import random
from contextlib import suppress
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from engine.data.pictures import Form, decode, header
from engine.errors import MamlError, ResourceError

GREY, COLOUR = Form(1, 8), Form(3, 8)


def saved(image, form, **options):
    file = BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def pixels(image, form, shape=COLOUR, **options):
    return decode(saved(image, form, **options), "x", shape)[0]


RAMP = np.arange(64, dtype=np.uint8).reshape(8, 8) * 4
COLOURS = np.stack([RAMP, RAMP.T, 255 - RAMP], axis=2)


def test_pixels_of_the_right_size_and_kind_stay_what_they_are():
    np.testing.assert_array_equal(pixels(Image.fromarray(RAMP), "PNG", GREY), RAMP[None])
    np.testing.assert_array_equal(pixels(Image.fromarray(COLOURS), "PNG"), COLOURS.transpose(2, 0, 1))


def test_a_picture_is_squashed_whole_into_the_square_and_says_so():
    tall = Image.fromarray(np.repeat([[0, 255]], 16, axis=0).astype(np.uint8)).resize(
        (8, 16), Image.Resampling.NEAREST
    )
    found, resized = decode(saved(tall, "PNG"), "x", GREY)
    assert resized and found.shape == (1, 8, 8)
    assert found[0, :, 0].max() == 0 and found[0, :, -1].min() == 255
    assert not decode(saved(tall, "PNG"), "x", Form(1, 8))[0][0, :, 0].any()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_says_which_way_is_up(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    upright = {
        1: RAMP,
        2: RAMP[:, ::-1],
        3: RAMP[::-1, ::-1],
        4: RAMP[::-1],
        5: RAMP.T,
        6: np.rot90(RAMP, -1),
        7: np.rot90(RAMP, 2).T,
        8: np.rot90(RAMP),
    }
    np.testing.assert_array_equal(
        pixels(Image.fromarray(RAMP), "PNG", GREY, exif=exif)[0], upright[orientation]
    )


def test_what_is_transparent_becomes_white():
    ink = np.zeros((8, 8, 4), np.uint8)
    ink[:4, :, 3] = 255
    assert pixels(Image.fromarray(ink), "PNG", GREY)[0, :, 0].tolist() == [0] * 4 + [255] * 4
    assert pixels(Image.fromarray(ink).convert("LA"), "PNG", GREY)[0, :, 0].tolist() == [0] * 4 + [255] * 4
    palette = Image.fromarray((ink[..., 3] > 0).astype(np.uint8), mode="P")
    palette.putpalette([9, 9, 9, 200, 0, 0])
    found = pixels(palette, "PNG", COLOUR, transparency=0)
    assert found[:, 0, 0].tolist() == [200, 0, 0] and found[:, 7, 0].tolist() == [255, 255, 255]


@pytest.mark.parametrize(
    ("kind", "form"), [(np.uint16, "PNG"), (np.uint16, "TIFF"), (np.int32, "TIFF"), (np.int32, "PPM")]
)
def test_sixteen_bits_are_scaled_not_clipped(kind, form):
    deep = Image.fromarray(RAMP.astype(kind) * 257)
    np.testing.assert_array_equal(pixels(deep, form, GREY)[0], RAMP)


@pytest.mark.parametrize(
    "values", [RAMP.astype(np.float32), RAMP.astype(np.int32) * 70_000, -RAMP.astype(np.int32)]
)
def test_numbers_that_are_no_brightness_are_refused(values):
    with pytest.raises(ResourceError, match="no brightness of 8 or 16 bits"):
        pixels(Image.fromarray(values), "TIFF", GREY)


@pytest.mark.parametrize(
    ("mode", "form"), [("CMYK", "TIFF"), ("P", "GIF"), ("1", "PNG"), ("LAB", "TIFF"), ("RGB", "WEBP")]
)
def test_other_colour_models_are_converted(mode, form):
    flat = Image.new("RGB", (8, 8), "white")
    image = Image.new("LAB", (8, 8), (255, 128, 128)) if mode == "LAB" else flat.convert(mode)
    assert pixels(image, form).min() >= 250


def test_the_first_frame_counts():
    frames = [Image.new("L", (8, 8), shade) for shade in (255, 0)]
    assert pixels(frames[0], "GIF", GREY, save_all=True, append_images=frames[1:]).min() == 255


@pytest.mark.parametrize(
    ("mode", "grey"), [("1", True), ("L", True), ("LA", True), ("P", False), ("RGB", False)]
)
def test_a_header_tells_grey_and_size(picture, mode, grey):
    assert header(picture(mode=mode), "x") == (grey, 20, 20)
    assert header(saved(Image.fromarray(RAMP.astype(np.uint16)), "PNG"), "x").grey


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", r"'a/1\.png' is not a whole picture \(it is empty\)"),
        (b"just text", "its beginning is not that of PNG, JPEG"),
        (b"%PDF-1.4", "its beginning is not that of PNG, JPEG"),
    ],
)
def test_what_is_no_picture(content, words):
    with pytest.raises(ResourceError, match=words):
        decode(content, "'a/1.png'", GREY)


@pytest.mark.parametrize("form", ["PNG", "JPEG", "TIFF", "WEBP", "BMP"])
def test_a_picture_cut_short(picture, form):
    whole = picture(form=form, side=60)
    with pytest.raises(ResourceError, match="is not a whole picture"):
        decode(whole[: len(whole) * 2 // 3], "x", GREY)


def test_pictures_that_would_fill_the_memory(png_head):
    with pytest.raises(ResourceError, match="has 10000x10000 pixels: the most are 67,108,864"):
        decode(png_head(10_000), "x", GREY)
    with pytest.raises(ResourceError, match="decompression bomb"):
        header(png_head(60_000), "x")


@pytest.mark.parametrize("form", ["PNG", "JPEG", "GIF", "BMP", "WEBP", "PPM"])
def test_damage_anywhere_ends_in_one_sentence(picture, form):
    chance, whole = random.Random(1), picture(form=form)
    for _ in range(150):
        damaged = bytearray(whole)
        for _ in range(chance.randrange(1, 5)):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        with suppress(MamlError):  # anything else is a defect
            decode(bytes(damaged), "x", GREY)


def test_a_drawing_is_kept_as_omniglots_are():
    dots = Image.fromarray(np.random.default_rng(0).random((105, 105)) > 0.5)
    grey = np.asarray(dots.convert("L").resize((28, 28), Image.Resampling.NEAREST))
    np.testing.assert_array_equal(pixels(dots, "PNG", Form(1, 28, ink=True))[0], 255 - grey)
