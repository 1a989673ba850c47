from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maml_tui.plotting.series import smooth


def one_by_one(y, factor):
    """The definition, as a loop."""
    total, weight, out = 0.0, 0.0, []
    for value in y:
        if np.isfinite(value):
            total, weight = factor * total + value, factor * weight + 1
        out.append(total / weight if np.isfinite(value) else np.nan)
    return np.array(out)


@given(
    st.lists(st.one_of(st.floats(-1e6, 1e6), st.just(np.nan), st.just(np.inf)), max_size=80),
    st.floats(0, 0.999),
)
def test_it_is_the_debiased_average(y, factor):
    np.testing.assert_allclose(smooth(np.array(y), factor), one_by_one(y, factor), rtol=1e-9, atol=1e-6)


def test_a_constant_stays_what_it_is():
    np.testing.assert_allclose(smooth(np.full(5000, 0.3), 0.99), 0.3)


def test_the_past_is_not_redrawn_when_values_are_added():
    y = np.random.default_rng(0).normal(size=300)
    np.testing.assert_allclose(smooth(y, 0.9)[:200], smooth(y[:200], 0.9), rtol=1e-12)


@pytest.mark.parametrize("factor", [-0.1, 1.0, np.nan])
def test_a_factor_that_is_none_is_refused(factor):
    with pytest.raises(ValueError, match="smoothing factor"):
        smooth(np.ones(3), factor)
