"""A mean over tasks with its 95 % confidence interval, and the median beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_NORMAL_95 = 1.96


class Summary(NamedTuple):
    """What is reported of one number per task.

    Attributes:
        mean: The mean; not finite if any task's number is not, since no task is dropped.
        ci95: Half width of the 95 % confidence interval, 1.96 * std / sqrt(tasks).
        median: The median, which single diverged tasks cannot move.
    """

    mean: float
    ci95: float
    median: float


def summarise(values: NDArray[np.floating]) -> Summary:
    """Summarise one number per task, `[tasks]`; not-a-number counts as infinitely large."""
    finite_or_inf = np.where(np.isnan(values), np.inf, values).astype(np.float64)
    with np.errstate(invalid="ignore", over="ignore"):
        spread = finite_or_inf.std(ddof=1) if len(finite_or_inf) > 1 else np.nan
        mean, median = finite_or_inf.mean(), np.median(finite_or_inf)
    return Summary(float(mean), float(_NORMAL_95 * spread / np.sqrt(len(values))), float(median))
