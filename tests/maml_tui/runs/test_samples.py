from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maml_tui.runs import history
from maml_tui.runs.history import MAX_SAMPLES, SampleTable, extremes

finite = st.floats(-1e6, 1e6)


def fill(samples, count, start=0, value=lambda i: float(i % 97)):
    for i in range(start, start + count):
        samples.add(i, i / 2, value(i), 0.5, 1.0, 2.0)


def test_up_to_the_limit_nothing_is_thinned():
    samples = SampleTable()
    fill(samples, MAX_SAMPLES)
    assert np.array_equal(samples.freeze().iteration, np.arange(MAX_SAMPLES))


def test_the_number_of_samples_is_bounded_and_every_part_of_the_run_as_dense(monkeypatch):
    monkeypatch.setattr(history, "MAX_SAMPLES", 1024)
    samples, most = SampleTable(), 0
    for start in range(0, 40_000, 500):
        fill(samples, 500, start)
        most = max(most, len(samples.freeze()))
    assert most <= 1024
    told = samples.freeze().iteration
    assert (np.diff(told) > 0).all()
    assert told[-1] == 39_999
    counts, _ = np.histogram(told[told < 30_000], bins=6)
    assert counts.min() > 10
    assert counts.max() <= 2 * counts.min()


def test_no_spike_and_no_gap_is_ever_lost(monkeypatch):
    monkeypatch.setattr(history, "MAX_SAMPLES", 1024)
    odd = {7: 1e9, 5000: -1e9, 20_000: np.nan, 39_000: 1e8}
    samples = SampleTable()
    fill(samples, 40_000, value=lambda i: odd.get(i, float(i % 97)))
    told = samples.freeze()
    for iteration, value in odd.items():
        (at,) = np.flatnonzero(told.iteration == iteration)
        assert np.array_equal(told.loss[at], value, equal_nan=True)
        assert told.seconds[at] == iteration / 2


def test_what_was_given_out_stays_when_others_are_thinned(monkeypatch):
    monkeypatch.setattr(history, "MAX_SAMPLES", 1024)
    samples = SampleTable()
    fill(samples, 1024)
    before = samples.freeze()
    fill(samples, 500, 1024)
    assert np.array_equal(before.iteration, np.arange(1024))
    samples.forget_after(3)
    assert samples.freeze().iteration.tolist() == [0, *samples.freeze().iteration[1:]]
    assert samples.freeze().iteration.max() <= 3


@pytest.mark.parametrize("iteration", [1, 2**62])
def test_a_journal_that_stands_still_is_bounded_too(monkeypatch, iteration):
    monkeypatch.setattr(history, "MAX_SAMPLES", 1024)
    samples = SampleTable()
    for _ in range(3000):
        samples.add(iteration, 0.0, np.nan, np.nan, np.nan, np.nan)
    assert len(samples.freeze()) <= 1024


@given(
    st.lists(st.tuples(*[st.one_of(finite, st.just(np.nan))] * 4), min_size=1, max_size=60),
    st.sampled_from([1.0, 2.0, 8.0, 1024.0]),
)
def test_extremes_are_kept_and_few_others(rows, width):
    count = len(rows)
    table = np.vstack([np.arange(count), np.arange(count), np.array(rows).T]).astype(np.float64)
    kept = extremes(table, width)
    assert (np.diff(kept) > 0).all()
    for start in range(0, count, int(width)):
        here = table[2:, start : start + int(width)]
        left = table[2:, [i for i in kept if start <= i < start + width]]
        assert left.shape[1] <= min(12, here.shape[1])
        assert np.array_equal(np.isnan(here).any(axis=1), np.isnan(left).any(axis=1))
        for column, other in zip(here, left, strict=True):
            if not np.isnan(column).all():
                assert (np.nanmin(column), np.nanmax(column)) == (np.nanmin(other), np.nanmax(other))
