"""One number from trainings with several seeds."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from engine.runs.events import AtStep
from engine.statistics.student import critical_95

if TYPE_CHECKING:
    from collections.abc import Sequence


def over_seeds(curves: Sequence[Sequence[AtStep]]) -> tuple[AtStep, ...]:
    """Return the metric after every inner step over all seeds; a single seed's as it is, nothing of none.

    The seeds are the sample: each was trained anew and measured on tasks of its own, so that Student's t interval of
    the mean of their means covers both the training and the tasks. Medians are put together by their median,
    diverged tasks by their sum.

    Args:
        curves: The metric after every inner step, for each seed.
    """
    if len(curves) == 1:
        return tuple(curves[0])
    return tuple(_together(at) for at in zip(*curves, strict=True))


def _together(seeds: Sequence[AtStep]) -> AtStep:
    means = np.array([at.mean for at in seeds])
    with np.errstate(invalid="ignore"):
        error = float(means.std(ddof=1)) / math.sqrt(len(seeds))
    return AtStep(
        step=seeds[0].step,
        mean=float(means.mean()),
        ci95=critical_95(len(seeds) - 1) * error,
        median=float(np.median([at.median for at in seeds])),
        diverged=sum(at.diverged for at in seeds),
    )
