"""A plot as a figure on paper: where everything lies, whatever it is drawn with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np
import numpy.typing as npt

from engine.text import printable
from maml_tui.plotting.frame import x_scale, y_scale
from maml_tui.plotting.grid import colour
from maml_tui.plotting.series import Plot, Series, Stroke

if TYPE_CHECKING:
    from maml_tui.plotting.scales import Floats

Line = tuple["Floats", "Floats"]
"""Corners of a line or an outline: x [n] and y [n] in pixels from the top left."""

Anchor = Literal["start", "middle", "end"]

_LEFT, _RIGHT, _BOTTOM = 72, 20, 48
_LEGEND_TOP, _LEGEND_ROW = 45, 18
DASHES = {Stroke.DASHED: (8, 4), Stroke.DOTTED: (2, 3), Stroke.DASH_DOTTED: (8, 4, 2, 4)}
"""Lengths of what is drawn and what is left out, in turn."""

INK, _GRID_LINE = "#303030", "#dadada"
_MIN_SIZE = 160


@dataclass(frozen=True)
class Label:
    """A line of text at (x, y) of its baseline; `upright` turns it to read from below."""

    x: float
    y: float
    text: str
    anchor: Anchor = "start"
    size: int = 12
    bold: bool = False
    upright: bool = False


class Canvas(Protocol):
    """What a figure is drawn on. Colours are `#rrggbb`, lengths are pixels."""

    def lines(
        self, paths: list[Line], ink: str, width: float = 1, stroke: Stroke = Stroke.SOLID, opacity: float = 1
    ) -> None:
        """Draw lines."""

    def fill(self, outlines: list[Line], ink: str, opacity: float) -> None:
        """Fill areas."""

    def dot(self, x: float, y: float, radius: float, ink: str) -> None:
        """Draw a filled circle."""

    def text(self, label: Label) -> None:
        """Write a line of text."""

    def clip(self, left: float, top: float, right: float, bottom: float) -> None:
        """Show nothing outside this area of what is drawn until `unclip`."""

    def unclip(self) -> None:
        """Draw anywhere again."""


def draw_figure(plot: Plot, canvas: Canvas, width: int, height: int) -> None:
    """Draw axes, grid lines, bands, lines, legend, title and names of axes on a white canvas.

    Raises:
        ValueError: A side is below 160 pixels, which cannot hold the axes.
    """
    if min(width, height) < _MIN_SIZE:
        raise ValueError(f"a figure needs at least {_MIN_SIZE} x {_MIN_SIZE} pixels")
    figure = _Figure(plot, canvas, width, height)
    figure.name()
    figure.axes()
    canvas.clip(_LEFT, figure.top, figure.right, figure.bottom)
    figure.series()
    canvas.unclip()
    figure.legend()


class _Figure:
    """The parts of a figure."""

    def __init__(self, plot: Plot, canvas: Canvas, width: int, height: int) -> None:
        self.plot, self.canvas, self.width, self.height = plot, canvas, width, height
        self.right, self.bottom = width - _RIGHT, height - _BOTTOM
        self.x, self.y = x_scale(plot), y_scale(plot)
        self.entries = self._legend_places()
        lowest = max((y for _, y in self.entries), default=_LEGEND_TOP)
        self.top = min(lowest + 13, self.bottom - 40)

    def name(self) -> None:
        across, down = (_LEFT + self.right) / 2, (self.top + self.bottom) / 2
        title, x_label, y_label = (
            printable(text) for text in (self.plot.title, self.plot.x_label, self.plot.y_label)
        )
        self.canvas.text(Label(across, 22, title, "middle", size=15, bold=True))
        self.canvas.text(Label(across, self.height - 10, x_label, "middle"))
        self.canvas.text(Label(16, down, y_label, "middle", upright=True))

    def axes(self) -> None:
        for tick in self.x.ticks(max(2, (self.right - _LEFT) // 90), self.plot.x_unit):
            (x,) = self._across(np.array([tick.value]))
            self._rule([x, x], [self.top, self.bottom], _GRID_LINE)
            self.canvas.text(Label(x, self.bottom + 17, tick.label, "middle"))
        for tick in self.y.ticks(max(2, (self.bottom - self.top) // 50), self.plot.y_unit):
            (y,) = self._down(np.array([tick.value]))
            self._rule([_LEFT, self.right], [y, y], _GRID_LINE)
            self.canvas.text(Label(_LEFT - 8, y + 4, tick.label, "end"))
        self._rule([_LEFT, _LEFT, self.right], [self.top, self.bottom, self.bottom], INK)

    def series(self) -> None:
        for one in self.plot.series if self.plot.band else ():
            self._band(one)
        for one in self.plot.series:
            self._line(one)
        if self.plot.crosshair is not None:
            (x,) = self._across(np.array([self.plot.crosshair]))
            self._rule([x, x], [self.top, self.bottom], INK)

    def legend(self) -> None:
        for one, (x, y) in zip(self.plot.by_letter, self.entries, strict=True):
            self._draw(one, np.array([x, x + 26.0]), np.full(2, y - 4.0))
            self.canvas.text(Label(x + 32, y, f"{one.letter} {printable(one.label)}"))

    def _legend_places(self) -> list[tuple[int, int]]:
        """Return where each entry of the legend begins; it goes on in a new row where it would leave the figure."""
        places, x, y = [], _LEFT, _LEGEND_TOP
        for one in self.plot.by_letter:
            width = 60 + 7 * len(one.label)
            if x > _LEFT and x + width > self.width:
                x, y = _LEFT, y + _LEGEND_ROW
            places.append((x, y))
            x += width
        return places

    def _band(self, series: Series) -> None:
        if series.band is None:
            return
        low, high = series.band
        x, bottom, top = self._across(series.x), self._down(self.y.raised(low)), self._down(high)
        outlines = [
            (np.append(x[part], x[part][::-1]), np.append(top[part], bottom[part][::-1]))
            for part in _runs(x + bottom + top)
        ]
        self.canvas.fill(outlines, colour(series.slot), 0.18)

    def _line(self, series: Series) -> None:
        average = series.smoothed(self.plot.smoothing)
        x, y = self._across(series.x), self._down(series.y)
        seen = _seen(x, self.right)
        if average is not None:
            self.canvas.lines(_paths(x[seen], y[seen]), colour(series.slot), opacity=0.3)
            y = self._down(average)
        self._draw(series, x[seen], y[seen])

    def _draw(self, series: Series, x: Floats, y: Floats) -> None:
        """Draw a line, or points, in the colour and the stroke of a series; x and y [n] are pixels."""
        ink = colour(series.slot)
        if series.stroke is not Stroke.POINTS:
            self.canvas.lines(_paths(x, y), ink, 2, series.stroke)
            return
        for a, b in zip(x, y, strict=True):
            if np.isfinite(a + b):
                self.canvas.dot(a, b, 3.5, ink)

    def _rule(self, x: list[float], y: list[float], ink: str) -> None:
        if np.isfinite([*x, *y]).all():
            self.canvas.lines([(np.array(x), np.array(y))], ink)

    def _across(self, x: Floats) -> Floats:
        return _LEFT + self.x.fraction(x) * (self.right - _LEFT)

    def _down(self, y: Floats) -> Floats:
        # Far outside is as good as infinitely far outside, and SVG readers have single-precision numbers.
        return (self.bottom - self.y.fraction(y) * (self.bottom - self.top)).clip(-1e4, 1e4)


def _seen(x: Floats, right: int) -> slice:
    """Return the samples inside the axes and the next one on either side. NaNs come first (see `Scale`)."""
    start, stop = np.searchsorted(np.nan_to_num(x, nan=-np.inf), (_LEFT, right))
    return slice(max(0, start - 1), stop + 1)


def _paths(x: Floats, y: Floats) -> list[Line]:
    """Return the parts of a line between its gaps, without the samples that nobody would see."""
    kept = _thinned(x, y)
    x, y = x[kept], y[kept]
    return [(x[part], y[part]) for part in _runs(x + y)]


def _thinned(x: Floats, y: Floats) -> npt.NDArray[np.intp]:
    """Return which samples [k] are seen: of each half pixel the first, last, lowest, highest, and all gaps."""
    gaps, valid = np.flatnonzero(np.isnan(x + y)), np.flatnonzero(~np.isnan(x + y))
    column = np.floor(2 * x[valid])
    by_height = valid[np.lexsort((y[valid], column))]
    first = np.flatnonzero(np.diff(column, prepend=np.nan) != 0)
    last = np.append(first[1:], len(valid))[: len(first)] - 1
    return np.unique(np.concatenate([gaps, valid[first], valid[last], by_height[first], by_height[last]]))


def _runs(values: Floats) -> list[slice]:
    """Return the parts of an array between its NaNs."""
    edges = np.flatnonzero(np.diff(~np.isnan(values), prepend=False, append=False))
    return [slice(start, stop) for start, stop in edges.reshape(-1, 2)]
