"""One-line pictures: bars and sparklines."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from maml_tui.plotting.glyphs import GLYPHS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from maml_tui.plotting._types import Interval
    from maml_tui.plotting.charset import Charset


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
        charset: Which characters the terminal can show.
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
