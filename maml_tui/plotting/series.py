"""What is plotted: series of numbers, and how a person wants to look at them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from engine.text import printable
from maml_tui.plotting import Charset
from maml_tui.plotting.glyphs import GLYPHS
from maml_tui.plotting.scales import Floats, Interval, Unit


def smooth(y: Floats, factor: float) -> Floats:
    """Return the debiased exponential moving average of a series [n].

    Value i is the mean of the finite values up to i, weighted by `factor ** (how many of them came since)`; hence
    the first value is kept and there is no pull towards zero (Kingma & Ba 2015, section 3). Values that are not finite
    are skipped, and stay NaN. Causal, so that a growing series never redraws its past.

    Raises:
        ValueError: The factor is not in [0, 1).
    """
    if not 0 <= factor < 1:
        raise ValueError(f"smoothing factor must be in [0, 1), not {factor}")
    finite = np.isfinite(y)
    average = np.full(len(y), np.nan)
    values = y[finite]
    average[finite] = _decayed_sum(values, factor) / _decayed_sum(np.ones_like(values), factor)
    return average


def _decayed_sum(values: Floats, factor: float) -> Floats:
    """Return the sums over j <= i of `factor ** (i - j) * values[j]`, by doubling the reach in each pass."""
    total = (1 - factor) * values
    reach, decay = 1, factor
    while reach < len(total) and decay > np.finfo(np.float64).tiny:
        total[reach:] += decay * total[:-reach]
        reach, decay = 2 * reach, decay * decay
    return total


MAX_NUMBER = 1e300
"""Numbers beyond this count as infinite, because the difference of any two must still be a number."""


class Stroke(IntEnum):
    """How a line is drawn, so that colour is never the only cue. POINTS are not joined."""

    SOLID = 0
    DASHED = 1
    DOTTED = 2
    POINTS = 3
    DASH_DOTTED = 4


@dataclass(frozen=True, eq=False)
class Series:
    """One line of a plot.

    Attributes:
        label: Its name in legends; may hold any characters.
        x: Positions [n], ascending. Samples whose position is not finite are dropped, the others put in order.
        y: Values [n]. Where one is not finite, the line has a gap.
        low: Lower edge of the 95 % confidence band [n], or None for no band.
        high: Upper edge of the band [n], or None for no band.
        slot: Which colour and which letter (0 is A) it has, wherever it is shown.

    Raises:
        ValueError: The arrays differ in length.
    """

    label: str
    x: Floats
    y: Floats
    low: Floats | None = None
    high: Floats | None = None
    slot: int = 0
    stroke: Stroke = Stroke.SOLID

    def __post_init__(self) -> None:
        x = np.asarray(self.x, dtype=np.float64)
        keep = np.flatnonzero(np.abs(x) <= MAX_NUMBER)
        order = keep[np.argsort(x[keep], kind="stable")]
        for name in ("x", "y", "low", "high"):
            values = getattr(self, name)
            if values is None:
                continue
            values = np.array(values, dtype=np.float64)
            if values.shape != x.shape or x.ndim != 1:
                raise ValueError(f"{name} of series {self.label!r} must be as long as x")
            values[np.abs(values) > MAX_NUMBER] = np.nan
            object.__setattr__(self, name, values[order])
        for edge in self.band or ():
            edge[np.isnan(self.y)] = np.nan

    @property
    def letter(self) -> str:
        """The letter that stands at the right end of the line and in the legend."""
        return chr(ord("A") + self.slot % 26)

    @property
    def band(self) -> tuple[Floats, Floats] | None:
        """Both edges of the confidence band ([n], [n]), or None."""
        return None if self.low is None or self.high is None else (self.low, self.high)

    @property
    def smoothable(self) -> bool:
        """Whether a moving average may be drawn.

        Means with a confidence band are never smoothed: their noise is measured already, and the average of a
        rising curve lags behind it, out of its own band. Nor are points.
        """
        return self.band is None and self.stroke is not Stroke.POINTS

    def smoothed(self, factor: float) -> Floats | None:
        """Return the moving average of the values [n], or None where it is not drawn."""
        return smooth(self.y, factor) if factor and self.smoothable else None


@dataclass(frozen=True, eq=False)
class Plot:
    """Series and the way to look at them; change one thing with `dataclasses.replace`.

    Attributes:
        series: Drawn in this order; later ones lie on top.
        x_range: The x-domain, or None to fit the data. A fixed one keeps a growing plot from moving.
        y_range: The y-range (see `next_range`), or None to fit what is visible in 1-2-5 steps.
        x_log: Whether x is logarithmic; positions that are not positive are gaps then.
        y_log: Whether y is logarithmic; values that are not positive are gaps then.
        smoothing: Factor in [0, 1) of the moving average that is drawn bright over the dim raw line (see
            `Series.smoothed`); 0 is none.
        title: Heading of an exported figure.
    """

    series: tuple[Series, ...] = ()
    x_range: Interval | None = None
    y_range: Interval | None = None
    x_log: bool = False
    y_log: bool = False
    smoothing: float = 0.0
    band: bool = True
    crosshair: float | None = None
    x_unit: Unit = Unit.COUNT
    y_unit: Unit = Unit.NUMBER
    charset: Charset = Charset.UNICODE
    title: str = ""
    x_label: str = ""
    y_label: str = ""

    @property
    def by_letter(self) -> tuple[Series, ...]:
        """The series as people list them, whatever lies on top."""
        return tuple(sorted(self.series, key=lambda one: one.slot))


def legend(plot: Plot) -> tuple[str, ...]:
    """Return one entry such as `A ━ meta-val` per series; control characters in labels are escaped."""
    strokes = GLYPHS[plot.charset].strokes
    return tuple(f"{one.letter} {strokes[one.stroke]} {printable(one.label)}" for one in plot.by_letter)
