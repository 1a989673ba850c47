"""The characters that plots, bars and sparklines are made of, by what the terminal's font can be trusted with."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from maml_tui.plotting import Charset

if TYPE_CHECKING:
    from collections.abc import Sequence

    from maml_tui.plotting.scales import Interval


@dataclass(frozen=True)
class Glyphs:
    """The characters of one charset.

    A cell is a little raster of `dots_high` x `dots_wide` dots; `cells[bits]` is its character, where the bit of
    the dot in row r and column c has the weight `2 ** (r * dots_wide + c)`. No dots is always U+0020, because
    screen readers, copying and some fonts treat U+2800 as a visible or oddly wide character. `band` is the top of a
    confidence band, its inside and its bottom.
    """

    dots_high: int
    dots_wide: int
    cells: str
    vertical: str
    horizontal: str
    corner: str
    y_tick: str
    x_tick: str
    crosshair: str
    band: str
    strokes: str
    bar: str
    spark: str
    ramp: str

    def encode(self, dots: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
        """Gather dots [rows * dots_high, columns * dots_wide] into the bits of each cell [rows, columns]."""
        rows, columns = dots.shape[0] // self.dots_high, dots.shape[1] // self.dots_wide
        small = dots.reshape(rows, self.dots_high, columns, self.dots_wide)
        cells = small.transpose(0, 2, 1, 3).reshape(rows, columns, -1)
        return np.packbits(cells, axis=-1, bitorder="little")[..., 0].astype(np.int64)

    def draw(self, bits: npt.NDArray[np.int64]) -> npt.NDArray[np.str_]:
        """Return the characters of cells, given their bits (any shape)."""
        return np.array(list(self.cells))[bits]


def _braille(bits: int) -> str:
    # Unicode numbers the dots 1-2-3 down the left, 4-5-6 down the right, then 7 and 8 in the bottom row.
    unicode_bit = (0, 3, 1, 4, 2, 5, 6, 7)
    pattern = sum(1 << unicode_bit[dot] for dot in range(8) if bits >> dot & 1)
    return chr(0x2800 + pattern) if bits else " "


_BOX = {
    "vertical": "│",
    "horizontal": "─",
    "corner": "└",
    "y_tick": "┤",
    "x_tick": "┬",
    "crosshair": "│",
    "band": "░░░",
    "strokes": "━╌┈o┅",
    "bar": " ▏▎▍▌▋▊▉█",
    "spark": "▁▂▃▄▅▆▇█",
    "ramp": " ░▒▓█",
}

GLYPHS = {
    Charset.UNICODE: Glyphs(dots_high=4, dots_wide=2, cells="".join(map(_braille, range(256))), **_BOX),
    Charset.BLOCK: Glyphs(dots_high=2, dots_wide=2, cells=" ▘▝▀▖▌▞▛▗▚▐▜▄▙▟█", **_BOX),
    Charset.ASCII: Glyphs(
        dots_high=2,
        dots_wide=1,
        cells=" '.:",
        vertical="|",
        horizontal="-",
        corner="+",
        y_tick="+",
        x_tick="+",
        crosshair="|",
        band="+ -",
        strokes="-=.o~",
        bar=" #",
        spark="_.:-=+*#",
        ramp=" .:-=+*#%@",
    ),
}


def bar(fraction: float, width: int, charset: Charset) -> str:
    """Return a horizontal bar of exactly `width` characters, filled to a fraction (clipped to [0, 1]; NaN is empty)."""
    steps = GLYPHS[charset].bar
    parts = len(steps) - 1
    filled = round(min(1.0, max(0.0, fraction)) * width * parts) if math.isfinite(fraction) else 0
    whole, rest = divmod(filled, parts)
    return (steps[-1] * whole + steps[rest : rest + 1] * (rest > 0)).ljust(width)


def sparkline(values: Sequence[float], width: int, charset: Charset, limits: Interval | None = None) -> str:
    """Return the course of values in exactly `width` characters, the newest at the right.

    Args:
        values: Numbers; those that are not finite leave a blank.
        width: Number of characters. Where there are more values, each character shows the largest of its share.
        limits: The values of the lowest and the highest character, or None to fit the data.
    """
    if not len(values) or width < 1:
        return " " * width
    finite = np.where(np.isfinite(values), values, np.nan)
    peaks = [np.fmax.reduce(share) for share in np.array_split(finite, min(width, len(finite)))]
    low, high = limits or (np.fmin.reduce(peaks), np.fmax.reduce(peaks))
    glyphs = GLYPHS[charset].spark
    return "".join(_level(peak, low, high, glyphs) for peak in peaks).rjust(width)


def _level(value: float, low: float, high: float, glyphs: str) -> str:
    if math.isnan(value):
        return " "
    scaled = (value / 2 - low / 2) / (high / 2 - low / 2) if high > low else 0.0
    return glyphs[round(min(1.0, max(0.0, scaled)) * (len(glyphs) - 1))]
