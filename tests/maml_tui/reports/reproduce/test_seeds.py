from __future__ import annotations

import math

import numpy as np
import pytest

from engine.runs.events import AtStep
from maml_tui.reports.reproduce.cells import over_seeds


def curve(*means, median=1.0, diverged=0):
    return tuple(
        AtStep(step=step, mean=mean, ci95=0.1, median=median, diverged=diverged)
        for step, mean in enumerate(means)
    )


def test_one_seed_is_left_as_it_is_and_none_is_nothing():
    assert over_seeds([curve(2.0, 1.0)]) == curve(2.0, 1.0)
    assert over_seeds([]) == ()


def test_the_seeds_are_the_sample():
    before, after = over_seeds([curve(2.0, 1.0, median=5), curve(2.0, 3.0, median=1, diverged=2)])
    assert (before.step, before.mean, before.ci95) == (0, 2.0, 0.0)
    assert (after.step, after.mean, after.median, after.diverged) == (1, 2.0, 3.0, 2)
    assert after.ci95 == pytest.approx(
        12.706, abs=1e-3
    )  # t of one degree of freedom; the standard error is 1


def test_the_interval_covers_the_truth_as_often_as_it_says():
    drawn = np.random.default_rng(0).normal(size=(2000, 3))
    found = [over_seeds([curve(mean) for mean in seeds])[0] for seeds in drawn.tolist()]
    covered = np.mean([abs(at.mean) <= at.ci95 for at in found])
    assert covered == pytest.approx(0.95, abs=4 * math.sqrt(0.95 * 0.05 / 2000))


@pytest.mark.parametrize("mean", [math.nan, math.inf])
def test_a_seed_without_a_finite_mean_is_not_passed_over(mean):
    (at,) = over_seeds([curve(mean), curve(1.0)])
    assert not math.isfinite(at.mean) and not math.isfinite(at.ci95)
