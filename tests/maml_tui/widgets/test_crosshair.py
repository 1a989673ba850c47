from __future__ import annotations

import numpy as np
import pytest

from maml_tui.plotting.scales import Unit
from maml_tui.plotting.series import Series
from maml_tui.widgets.captions import readout


def test_the_nearest_sample_with_a_value_is_read():
    val = Series("val", [0, 10, 20], [0.1, 0.9, np.nan], [0.0, 0.85, 0], [0.2, 0.95, 1])
    train = Series("train", [19, 21], [0.5, 0.6])
    first, second = readout((val, train), 19.4)
    assert (first.x, first.y, first.half_width) == (10, 0.9, pytest.approx(0.05))
    assert (second.x, second.y, second.half_width) == (19, 0.5, None)
    assert first.text(Unit.PERCENT) == "90.00% ±5.00%"
    assert second.text(Unit.PERCENT) == "50.00%"


def test_a_band_with_a_hole_gives_no_uncertainty():
    (only,) = readout((Series("a", [0], [1], [np.nan], [2]),), 0)
    assert only.half_width is None


def test_series_without_values_have_no_reading():
    assert readout((Series("a", [], []), Series("b", [0], [np.nan])), 3) == ()
