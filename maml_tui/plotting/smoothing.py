"""Exponential moving average, for looking at noisy curves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from maml_tui.plotting._types import Floats


def smooth(y: Floats, factor: float) -> Floats:
    """Return the debiased exponential moving average of a series.

    Value i is the mean of the finite values up to i, weighted by `factor ** (how many of them came since)`; hence
    the first value is kept and there is no pull towards zero (Kingma & Ba 2015, section 3). Causal, so that
    a growing series never redraws its past.

    Args:
        y: Values [n]. Those that are not finite are skipped, and stay NaN in the result.
        factor: Weight in [0, 1) of the past; 0 changes nothing.

    Returns:
        The average [n].

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
