"""A plot as an SVG figure."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

import numpy as np
import numpy.typing as npt

from engine.text import printable
from maml_tui.plotting.frame import x_scale, y_scale
from maml_tui.plotting.palette import colour
from maml_tui.plotting.series import Plot, Series, Stroke

if TYPE_CHECKING:
    from maml_tui.plotting._types import Floats

_LEFT, _RIGHT, _BOTTOM = 72, 20, 48
_LEGEND_TOP, _LEGEND_ROW = 45, 18
_DASHES = {Stroke.DASHED: ' stroke-dasharray="8 4"', Stroke.DOTTED: ' stroke-dasharray="2 3"'}
_INK, _GRID_LINE = "#303030", "#dadada"


def to_svg(plot: Plot, width_px: int = 720, height_px: int = 420) -> str:
    """Return a plot as a stand-alone SVG document: axes, grid lines, bands, lines, legend, title and names of axes.

    Args:
        plot: What to draw; its charset is of no account.
        width_px: Width of the figure, at least 160.
        height_px: Height of the figure, at least 160.

    Raises:
        ValueError: The figure is too small to hold its axes.
    """
    if min(width_px, height_px) < 160:
        raise ValueError("an SVG figure needs at least 160 x 160 pixels")
    figure = _Figure(plot, width_px, height_px)
    return "\n".join((*figure.head(), *figure.axes(), *figure.lines(), *figure.legend(), "</svg>", ""))


class _Figure:
    """The parts of a figure, each a list of SVG elements."""

    def __init__(self, plot: Plot, width: int, height: int) -> None:
        self.plot, self.width, self.height = plot, width, height
        self.right, self.bottom = width - _RIGHT, height - _BOTTOM
        self.x, self.y = x_scale(plot), y_scale(plot)
        self.entries = self._legend_places()
        lowest = max((y for _, y in self.entries), default=_LEGEND_TOP)
        self.top = min(lowest + 13, self.bottom - 40)

    def head(self) -> list[str]:
        middle = (_LEFT + self.right) / 2
        return [
            (
                f'<svg xmlns="http://www.w3.org/2000/svg" width="{self.width}" height="{self.height}" '
                f'viewBox="0 0 {self.width} {self.height}" font-family="Helvetica, Arial, sans-serif" font-size="12">'
            ),
            f"<title>{_text(self.plot.title)}</title>",
            f'<rect width="{self.width}" height="{self.height}" fill="#ffffff"/>',
            (
                f'<clipPath id="area"><rect x="{_LEFT}" y="{self.top}" width="{self.right - _LEFT}" '
                f'height="{self.bottom - self.top}"/></clipPath>'
            ),
            _label(middle, 22, self.plot.title, 'text-anchor="middle" font-size="15" font-weight="bold"'),
            _label(middle, self.height - 10, self.plot.x_label, 'text-anchor="middle"'),
            _label(
                16,
                (self.top + self.bottom) / 2,
                self.plot.y_label,
                f'text-anchor="middle" transform="rotate(-90 16 {(self.top + self.bottom) / 2:g})"',
            ),
        ]

    def axes(self) -> list[str]:
        parts = []
        for tick in self.x.ticks(max(2, (self.right - _LEFT) // 90), self.plot.x_unit):
            (x,) = self._across(np.array([tick.value]))
            parts += [
                _rule(x, self.top, x, self.bottom),
                _label(x, self.bottom + 17, tick.label, 'text-anchor="middle"'),
            ]
        for tick in self.y.ticks(max(2, (self.bottom - self.top) // 50), self.plot.y_unit):
            (y,) = self._down(np.array([tick.value]))
            parts += [
                _rule(_LEFT, y, self.right, y),
                _label(_LEFT - 8, y + 4, tick.label, 'text-anchor="end"'),
            ]
        frame = f'<path d="M{_LEFT},{self.top}V{self.bottom}H{self.right}" fill="none" stroke="{_INK}"/>'
        return [*parts, frame]

    def lines(self) -> list[str]:
        series = self.plot.series
        bands = [self._band(one) for one in series if self.plot.band]
        return ['<g clip-path="url(#area)">', *bands, *map(self._line, series), *self._crosshair(), "</g>"]

    def legend(self) -> list[str]:
        parts = []
        for one, (x, y) in zip(self.plot.series, self.entries, strict=True):
            parts += [_drawn(one, np.array([x, x + 26.0]), np.full(2, y - 4.0))]
            parts += [_label(x + 32, y, f"{one.letter} {one.label}", "")]
        return parts

    def _legend_places(self) -> list[tuple[int, int]]:
        """Return where each entry of the legend begins; it goes on in a new row where it would leave the figure."""
        places, x, y = [], _LEFT, _LEGEND_TOP
        for one in self.plot.series:
            width = 60 + 7 * len(one.label)
            if x > _LEFT and x + width > self.width:
                x, y = _LEFT, y + _LEGEND_ROW
            places.append((x, y))
            x += width
        return places

    def _band(self, series: Series) -> str:
        if series.band is None:
            return ""
        low, high = series.band
        x, bottom, top = self._across(series.x), self._down(self.y.raised(low)), self._down(high)
        outlines = [
            _points(np.append(x[part], x[part][::-1]), np.append(top[part], bottom[part][::-1]))
            for part in _runs(x + bottom + top)
        ]
        path = "".join(f"M{outline}Z" for outline in outlines)
        return f'<path d="{path}" fill="{colour(series.slot).hex}" fill-opacity="0.18"/>'

    def _line(self, series: Series) -> str:
        average = series.smoothed(self.plot.smoothing)
        x, y = self._across(series.x), self._down(series.y)
        seen = self._seen(x)
        if average is None:
            return _drawn(series, x[seen], y[seen])
        raw = _path(x[seen], y[seen], f'stroke="{colour(series.slot).hex}" stroke-opacity="0.3"')
        return raw + _drawn(series, x[seen], self._down(average)[seen])

    def _seen(self, x: Floats) -> slice:
        """Return the samples inside the axes and the next one on either side. NaNs come first (see `Scale`)."""
        start, stop = np.searchsorted(np.nan_to_num(x, nan=-np.inf), (_LEFT, self.right))
        return slice(max(0, start - 1), stop + 1)

    def _crosshair(self) -> list[str]:
        if self.plot.crosshair is None:
            return []
        (x,) = self._across(np.array([self.plot.crosshair]))
        return [_rule(x, self.top, x, self.bottom, _INK)] if np.isfinite(x) else []

    def _across(self, x: Floats) -> Floats:
        return _LEFT + self.x.fraction(x) * (self.right - _LEFT)

    def _down(self, y: Floats) -> Floats:
        # Far outside is as good as infinitely far outside, and SVG readers have single-precision numbers.
        return (self.bottom - self.y.fraction(y) * (self.bottom - self.top)).clip(-1e4, 1e4)


def _drawn(series: Series, x: Floats, y: Floats) -> str:
    """Return a line, or points, in the colour and the stroke of a series; x and y [n] are pixels."""
    ink = colour(series.slot).hex
    if series.stroke is Stroke.POINTS:
        seen = zip(x, y, strict=True)
        circles = [
            f'<circle cx="{a:.2f}" cy="{b:.2f}" r="3.5" fill="{ink}"/>' for a, b in seen if np.isfinite(a + b)
        ]
        return "".join(circles)
    return _path(x, y, f'stroke="{ink}" stroke-width="2"{_DASHES.get(series.stroke, "")}')


def _path(x: Floats, y: Floats, attributes: str) -> str:
    kept = _thinned(x, y)
    path = "".join(f"M{_points(x[kept][part], y[kept][part])}" for part in _runs((x + y)[kept]))
    return f'<path d="{path}" fill="none" stroke-linejoin="round" stroke-linecap="round" {attributes}/>'


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


def _points(x: Floats, y: Floats) -> str:
    return " ".join(f"{a:.2f},{b:.2f}" for a, b in zip(x, y, strict=True))


def _rule(x1: float, y1: float, x2: float, y2: float, ink: str = _GRID_LINE) -> str:
    return f'<path d="M{x1:.2f},{y1:.2f}L{x2:.2f},{y2:.2f}" stroke="{ink}"/>'


def _label(x: float, y: float, text: str, attributes: str) -> str:
    return f'<text x="{x:.2f}" y="{y:.2f}" fill="{_INK}" {attributes}>{_text(text)}</text>'


def _text(text: str) -> str:
    return escape(printable(text))
