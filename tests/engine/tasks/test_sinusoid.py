"""Sinusoid tasks: the right curves, nested supports, float64 behind float32."""

from __future__ import annotations

import math

import torch

from engine.tasks.episode import EpisodeShape
from engine.tasks.sampling import Split, Stream
from engine.tasks.sinusoid import Sinusoid

SOURCE = Sinusoid((0.1, 5.0), (0.0, math.pi), (-5.0, 5.0), torch.device("cpu"))
STREAM = Stream(0, Split.TRAIN)


def test_points_lie_on_the_curve_of_their_task():
    indices = torch.arange(40)
    amplitude, phase = SOURCE.curves(STREAM, indices)
    episodes = SOURCE.sample(STREAM, indices, EpisodeShape(1, 10, 7))
    assert episodes.support_x.shape == (40, 10, 1) and episodes.query_y.shape == (40, 7, 1)
    expected = amplitude[:, None] * torch.sin(episodes.query_x[..., 0].double() - phase[:, None])
    torch.testing.assert_close(episodes.query_y[..., 0].double(), expected, atol=5e-6, rtol=0)


def test_curves_and_points_fill_their_intervals():
    amplitude, phase = SOURCE.curves(STREAM, torch.arange(20_000))
    x = SOURCE.sample(STREAM, torch.arange(2000), EpisodeShape(1, 10, 1)).support_x
    for values, (low, high) in ((amplitude, (0.1, 5.0)), (phase, (0.0, math.pi)), (x, (-5.0, 5.0))):
        assert low <= values.min() < low + 0.01 * (high - low)
        assert high - 0.01 * (high - low) < values.max() <= high


def test_fewer_shots_are_the_beginning_of_more():
    few = SOURCE.sample(STREAM, torch.arange(4), EpisodeShape(1, 5, 10))
    many = SOURCE.sample(STREAM, torch.arange(4), EpisodeShape(1, 20, 10))
    assert torch.equal(few.support_x, many.support_x[:, :5])
    assert torch.equal(few.query_y, many.query_y)


def test_support_and_query_points_differ():
    episodes = SOURCE.sample(STREAM, torch.arange(100), EpisodeShape(1, 10, 10))
    assert not torch.isin(episodes.support_x, episodes.query_x).any()
