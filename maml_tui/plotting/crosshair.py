"""What the crosshair stands on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from maml_tui.plotting.labels import Unit, reading

if TYPE_CHECKING:
    from collections.abc import Sequence

    from maml_tui.plotting.series import Series


@dataclass(frozen=True)
class Reading:
    """The sample of one series that lies nearest to the crosshair.

    Attributes:
        series: The series.
        x: Position of the sample.
        y: Its value.
        half_width: Half the width of its confidence band, or None where it has no band.
    """

    series: Series
    x: float
    y: float
    half_width: float | None

    def text(self, unit: Unit) -> str:
        """Return the value with its uncertainty: `93.12% ±0.71%`."""
        value = reading(self.y, unit)
        return value if self.half_width is None else f"{value} ±{reading(self.half_width, unit)}"


def readout(series: Sequence[Series], x: float) -> tuple[Reading, ...]:
    """Return the nearest sample of every series that has one with a value."""
    return tuple(found for one in series if (found := _nearest(one, x)) is not None)


def _nearest(series: Series, x: float) -> Reading | None:
    valid = np.flatnonzero(~np.isnan(series.y))
    if not valid.size:
        return None
    sample = valid[np.argmin(np.abs(series.x[valid] - x))]
    half_width = None
    if series.band is not None:
        low, high = (float(edge[sample]) for edge in series.band)
        half_width = (high - low) / 2 if high >= low else None
    return Reading(series, float(series.x[sample]), float(series.y[sample]), half_width)
