"""The outer optimiser against PyTorch's."""

from __future__ import annotations

import pytest
import torch

from engine.training.adam import Adam

SHAPES = ((3, 4), (5,), ())


def parameters(seed=0):
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(shape, generator=generator) for shape in SHAPES]


def slopes(values, seed):
    for value, slope in zip(values, parameters(seed), strict=True):
        value.grad = slope


def test_its_steps_are_those_of_pytorch_to_the_last_bit():
    ours, theirs = parameters(), parameters()
    adam, reference = Adam(ours, 0.01), torch.optim.Adam(theirs, lr=0.01, fused=True)
    for seed in range(1, 6):
        slopes(ours, seed)
        slopes(theirs, seed)
        adam.step()
        reference.step()
    assert all(map(torch.equal, ours, theirs))


def test_a_step_left_out_leaves_no_trace():
    ours, undisturbed = parameters(), parameters()
    adam, reference = Adam(ours, 0.01), Adam(undisturbed, 0.01)
    for seed in (1, 2):
        slopes(ours, seed)
        slopes(undisturbed, seed)
        adam.step(torch.tensor(0.0))
        reference.step()
        for value in ours:
            value.grad = torch.full_like(value, torch.nan)
        adam.step(torch.tensor(1.0))
    assert all(map(torch.equal, ours, undisturbed))


def test_it_goes_on_where_it_stood():
    first, second = parameters(), parameters()
    before, after = Adam(first, 0.01), Adam(second, 0.01)
    slopes(first, 1)
    before.step()
    for value, other in zip(second, first, strict=True):
        value.copy_(other)
    after.load_state_dict(before.state_dict())
    for values, adam in ((first, before), (second, after)):
        slopes(values, 2)
        adam.step()
    assert all(map(torch.equal, first, second))


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"steps": None}, ValueError),
        ({"first": parameters()[:2]}, ValueError),
        ({"second": [torch.zeros(1)] * 3}, ValueError),
    ],
)
def test_what_does_not_fit_is_refused(change, error):
    adam = Adam(parameters(), 0.01)
    with pytest.raises(error):
        adam.load_state_dict(adam.state_dict() | change)


def test_what_is_missing_is_refused():
    with pytest.raises(KeyError):
        Adam(parameters(), 0.01).load_state_dict({})
