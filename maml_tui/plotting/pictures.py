"""Images in cells, for looking at the examples of an episode in the terminal."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from maml_tui.plotting import Charset
from maml_tui.plotting.glyphs import GLYPHS

Image = npt.NDArray[np.uint8]

_LUMA = np.array([0.2126, 0.7152, 0.0722])
"""How bright red, green and blue look (ITU-R BT.709)."""

_INK = 0.3
"""How bright a dot must be to be drawn: half would break the lines of a drawing that is made smaller."""


@dataclass(frozen=True, eq=False)
class Picture:
    """An image in colour: `character` in every cell, in its foreground on its background (RGB, [rows, columns, 3])."""

    character: str
    foreground: Image
    background: Image


def image_cells(image: Image, columns: int, rows: int, charset: Charset) -> Picture:
    """Show an image, grey [H, W] or RGB [H, W, 3], in colour; a cell is about twice as high as wide.

    With ASCII a cell is one pixel, a coloured space; otherwise two, one above the other.
    """
    if charset is Charset.ASCII:
        pixels = _resized(image, rows, columns).round().astype(np.uint8)
        return Picture(" ", pixels, pixels)
    pixels = _resized(image, 2 * rows, columns).round().astype(np.uint8)
    return Picture("▀", pixels[::2], pixels[1::2])


def image_text(image: Image, columns: int, rows: int, charset: Charset) -> list[str]:
    """Show an image without colour, as `rows` lines of `columns` characters that grow denser with brightness."""
    ramp = np.array(list(GLYPHS[charset].ramp))
    brightness = _resized(image, rows, columns) @ _LUMA / 255
    return ["".join(line) for line in ramp[np.rint(brightness * (len(ramp) - 1)).astype(int)]]


def image_dots(image: Image, columns: int, rows: int, charset: Charset) -> list[str]:
    """Show a drawing, bright on dark, without colour and finer than `image_text` does: a dot wherever there is ink."""
    glyphs = GLYPHS[charset]
    brightness = _resized(image, rows * glyphs.dots_high, columns * glyphs.dots_wide) @ _LUMA / 255
    return ["".join(line) for line in glyphs.draw(glyphs.encode(brightness >= _INK))]


def _resized(image: Image, height: int, width: int) -> npt.NDArray[np.float64]:
    """Return the image as RGB [height, width, 3]; every new pixel is the mean of the area that it covers."""
    colour = image if image.ndim == 3 else np.repeat(image[:, :, None], 3, axis=2)
    rows, columns = _overlaps(height, image.shape[0]), _overlaps(width, image.shape[1])
    resized: npt.NDArray[np.float64] = np.einsum("ih,hwc,jw->ijc", rows, colour, columns, optimize=True)
    return resized


def _overlaps(new: int, old: int) -> npt.NDArray[np.float64]:
    """Return which part [new, old] of each new pixel every old pixel covers, along one axis."""
    start = np.arange(new)[:, None] * old / new
    pixel = np.arange(old)
    covered = np.minimum(start + old / new, pixel + 1) - np.maximum(start, pixel)
    weights: npt.NDArray[np.float64] = covered.clip(0) / (old / new)
    return weights
