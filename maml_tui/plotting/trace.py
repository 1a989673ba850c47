"""From samples to dots: what each column of dots shows of a line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from maml_tui.plotting.series import Stroke

if TYPE_CHECKING:
    from maml_tui.plotting._types import Floats


@dataclass(frozen=True)
class Trace:
    """The extent of a line in each column of dots. Arrays of shape [columns].

    Attributes:
        top: Smallest row coordinate of the line in the column, NaN where there is none.
        bottom: Largest row coordinate.
        joined: Whether the line goes on from the column before.
    """

    top: Floats
    bottom: Floats
    joined: npt.NDArray[np.bool_]

    def last(self) -> int | None:
        """Return the last column with a line, or None."""
        there = np.flatnonzero(~np.isnan(self.top))
        return int(there[-1]) if there.size else None


def trace(u: Floats, v: Floats, columns: int) -> Trace:
    """Reduce a line to the minimum and the maximum in each column, so that no spike is lost.

    Args:
        u: Column coordinates of the samples [n], ascending; column c reaches from c - 1/2 to c + 1/2. Samples where
            it is NaN are ignored.
        v: Row coordinates [n]; NaN is a gap.
        columns: Number of columns.

    Returns:
        The extents. A column between two samples gets the straight line from one to the other.
    """
    placed = ~np.isnan(u)
    u, v = u[placed], v[placed]
    centres = np.arange(columns, dtype=np.float64)
    top = _between(u, v, centres)
    bottom = top.copy()
    inside = (u >= -0.5) & (u < columns - 0.5) & ~np.isnan(v)
    column = np.floor(u[inside] + 0.5).astype(np.intp)
    first = np.flatnonzero(np.diff(column, prepend=-1))
    if first.size:
        top[column[first]] = np.minimum.reduceat(v[inside], first)
        bottom[column[first]] = np.maximum.reduceat(v[inside], first)
    joined = ~np.isnan(_between(u, v, centres - 0.5))
    return Trace(top, bottom, joined)


def dots(line: Trace, rows: int, stroke: Stroke, unit: int) -> npt.NDArray[np.bool_]:
    """Return which dots [rows, columns] a line covers.

    Args:
        line: What to draw.
        rows: Number of rows of dots.
        stroke: Its pattern, which follows the length of the line, so that steep parts have it too.
        unit: Dots per column of cells: dashes are two cells on, one off.
    """
    top, bottom = _joined_rows(line, rows)
    row = np.arange(rows)[:, None]
    covered: npt.NDArray[np.bool_] = (top <= row) & (row <= bottom)
    if stroke is Stroke.SOLID:
        return covered
    length = np.maximum(bottom - top + 1, 0)
    way = np.cumsum(length) - length + row - top
    if stroke is Stroke.DASH_DOTTED:
        at = way % (5 * unit)
        covered &= (at < 2 * unit) | (at == 3 * unit)
        return covered
    on, period = (2 * unit, 3 * unit) if stroke is Stroke.DASHED else (1, 2)
    covered &= way % period < on
    return covered


def _between(u: Floats, v: Floats, at: Floats) -> Floats:
    """Return the row of the line at some column coordinates, NaN beyond its ends and in its gaps."""
    if not len(u):
        return np.full(len(at), np.nan)
    return np.interp(at, u, v, left=np.nan, right=np.nan)


def _joined_rows(line: Trace, rows: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the first and last row of each column, stretched to touch the column before; 1 and 0 for none."""
    there = ~np.isnan(line.top)
    top = np.rint(np.clip(np.where(there, line.top, 1), -1, rows)).astype(np.int64)
    bottom = np.rint(np.clip(np.where(there, line.bottom, 0), -1, rows)).astype(np.int64)
    join = np.flatnonzero(line.joined[1:] & there[1:] & there[:-1]) + 1
    before_top, before_bottom = top[join - 1], bottom[join - 1]
    top[join] = np.minimum(top[join], before_bottom + 1)
    bottom[join] = np.maximum(bottom[join], before_top - 1)
    return top, bottom
