"""How much better one run is than another on the same tasks, and how sure that is."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from engine.statistics.student import critical_95, two_sided_p

if TYPE_CHECKING:
    from numpy.typing import NDArray


class PairedDifference(NamedTuple):
    """The difference of two numbers per task.

    Attributes:
        mean: Mean over tasks of first - second; not a number if any of them is not finite, since no task is dropped.
        ci95: Half width of its 95 % confidence interval by Student's t; not a number for fewer than two tasks.
        p: Probability of a mean at least as far from zero if the runs were equally good (two-sided paired t-test).
        tasks: Number of tasks.
        not_finite: How many of them have no finite difference.
    """

    mean: float
    ci95: float
    p: float
    tasks: int
    not_finite: int


def paired_difference(first: NDArray[np.floating], second: NDArray[np.floating]) -> PairedDifference:
    """Compare two numbers for each of the same tasks, `[tasks]` both, one task or more."""
    with np.errstate(invalid="ignore"):
        differences = np.asarray(first, dtype=np.float64) - np.asarray(second, dtype=np.float64)
    tasks = len(differences)
    not_finite = tasks - int(np.isfinite(differences).sum())
    if not_finite:
        return PairedDifference(math.nan, math.nan, math.nan, tasks, not_finite)
    mean = float(differences.mean())
    if tasks < 2:
        return PairedDifference(mean, math.nan, math.nan, tasks, 0)
    error = float(differences.std(ddof=1)) / math.sqrt(tasks)
    return PairedDifference(mean, critical_95(tasks - 1) * error, _p(mean, error, tasks - 1), tasks, 0)


def _p(mean: float, error: float, freedom: int) -> float:
    """Return the p-value of a mean with a standard error, which is zero where all differences are the same."""
    if error == 0:
        return 1.0 if mean == 0 else 0.0
    return two_sided_p(mean / error, freedom)
