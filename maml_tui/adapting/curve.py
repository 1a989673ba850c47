"""Adaptation to a curve as a plot: the truth, the points learned from, the network before and after, a baseline."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from maml_tui.plotting.series import Plot, Series, Stroke

if TYPE_CHECKING:
    from engine.adaptation.protocol import CurveAnswer
    from maml_tui.plotting.charset import Charset

_ROOM = 1.25
"""How much higher than the curve the plot is."""


def curve_plot(answer: CurveAnswer, step: int, charset: Charset, baseline: CurveAnswer | None = None) -> Plot:
    """Draw what the network says after an inner step; step 0 is before adaptation.

    Args:
        answer: What was found.
        step: After which inner step.
        charset: Which characters the terminal can show.
        baseline: What a pretrained network makes of the same task in as many steps, if that is known.
    """
    x = np.array(answer.x)
    truth = Series("truth", x, np.array(answer.truth), slot=0, stroke=Stroke.DASHED)
    support = np.array(answer.support_x), np.array(answer.support_y)
    points = Series(f"K = {len(answer.support_x)}", *support, slot=1, stroke=Stroke.POINTS)
    before = Series("before", x, np.array(answer.predictions[0]), slot=2, stroke=Stroke.DOTTED)
    after = Series(f"step {step}", x, np.array(answer.predictions[step]), slot=3)
    networks = (before, after) if step else (before,)
    if baseline:
        said, stroke = np.array(baseline.predictions[step]), Stroke.DASH_DOTTED
        networks = (Series("pretrained", x, said, slot=4, stroke=stroke), *networks)
    return Plot(
        # Drawn in this order: the points lie on top.
        (truth, *networks, points),
        x_range=(answer.x[0], answer.x[-1]),
        y_range=_y_range(answer, baseline),
        charset=charset,
        title=f"Adaptation to y = {answer.amplitude:.3g} sin(x - {answer.phase:.3g})",
        x_label="x",
        y_label="y",
    )


def _y_range(answer: CurveAnswer, baseline: CurveAnswer | None) -> tuple[float, float]:
    """Return a range that is the same for all steps, so that going through them moves the network's curve alone.

    It holds the truth, and what the networks say unless that is far off: a diverged step must not flatten the rest.
    """
    truth = np.abs(answer.truth).max()
    said = np.abs(np.array([*answer.predictions, *(baseline.predictions if baseline else ())]))
    near = said[said <= 2 * truth]
    highest = _ROOM * max(truth, near.max(initial=0.0), np.abs(answer.support_y).max())
    return (-highest, highest) if highest > 0 else (-1.0, 1.0)
