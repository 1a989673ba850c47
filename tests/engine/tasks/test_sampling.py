"""Counter-based randomness: reproducible, uniform, independent of what else is asked for."""

from __future__ import annotations

import math

import pytest
import torch

from engine.tasks.sampling import Purpose, Split, Stream, choose

COUNTERS = torch.arange(200_000)


MASK = 2**64 - 1


def mixed(x: int) -> int:
    """The splitmix64 finaliser in whole numbers."""
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9 & MASK
    x = (x ^ (x >> 27)) * 0x94D049BB133111EB & MASK
    return x ^ (x >> 31)


def folded(*numbers: int) -> int:
    """What `Stream.bits` computes, written with Python's integers."""
    first, *others = numbers
    state = first
    for number in others:
        state = mixed(state + 0x9E3779B97F4A7C15 & MASK) ^ number
    return mixed(state + 0x9E3779B97F4A7C15 & MASK)


def test_the_bits_are_those_of_the_hash_in_whole_numbers():
    """A changed hash would silently change every task of every run ever made."""
    bits = Stream(7, Split.VAL).bits(Purpose.CLASSES, torch.arange(3), torch.tensor(11))
    key = folded(7, Split.VAL, Purpose.CLASSES)
    assert [value % 2**64 for value in bits.tolist()] == [folded(key ^ n, 11) for n in range(3)]


def test_numbers_depend_on_nothing_but_their_counter():
    stream = Stream(3, Split.TRAIN)
    together = stream.bits(Purpose.PHASE, COUNTERS[:100])
    alone = torch.stack([stream.bits(Purpose.PHASE, COUNTERS[n]) for n in range(100)])
    assert torch.equal(together, alone)


@pytest.mark.parametrize(
    "other", [Stream(1, Split.TRAIN), Stream(0, Split.VAL), Stream(0, Split.TEST)], ids=str
)
def test_seeds_and_splits_share_no_numbers(other):
    first = Stream(0, Split.TRAIN).bits(Purpose.CLASSES, COUNTERS)
    assert not torch.isin(first, other.bits(Purpose.CLASSES, COUNTERS)).any()


def test_purposes_share_no_numbers():
    stream = Stream(0, Split.TRAIN)
    everything = torch.cat([stream.bits(purpose, COUNTERS) for purpose in Purpose])
    assert len(everything.unique()) == len(everything)


def test_uniform_numbers_are_uniform():
    numbers = Stream(0, Split.TRAIN).uniform(Purpose.PHASE, COUNTERS)
    assert numbers.min() >= 0 and numbers.max() < 1
    histogram = numbers.histc(bins=100, min=0, max=1)
    expected = len(numbers) / 100
    chi_squared = ((histogram - expected) ** 2 / expected).sum()
    assert chi_squared < 160  # 99 degrees of freedom: exceeded once in 10,000 seeds


def test_neighbouring_counters_are_uncorrelated():
    numbers = Stream(0, Split.TRAIN).uniform(Purpose.PHASE, COUNTERS) - 0.5
    correlation = (numbers[1:] * numbers[:-1]).mean() / numbers.var()
    assert abs(correlation) < 5 / math.sqrt(len(numbers))


def test_every_bit_is_set_half_of_the_time():
    bits = Stream(0, Split.TRAIN).bits(Purpose.CLASSES, COUNTERS)
    for position in range(64):
        share = ((bits >> position) & 1).double().mean()
        assert abs(share - 0.5) < 5 * 0.5 / math.sqrt(len(bits))


def test_choices_are_distinct_and_the_fewer_begin_the_more():
    keys = Stream(0, Split.TRAIN).bits(Purpose.CLASSES, torch.arange(50)[:, None], torch.arange(30))
    many = choose(keys, 20)
    assert all(len(row.unique()) == 20 for row in many)
    assert torch.equal(choose(keys, 5), many[:, :5])
