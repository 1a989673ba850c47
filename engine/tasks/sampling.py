"""Randomness without generator state: a counter-based hash in integer tensor operations.

Every random choice of an episode is a pure function of (seed, split, task index, purpose, position). Only 64-bit
integer multiplication, exclusive or and shifts are used, which give the same bits on every device.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor

# Multipliers and shifts of the splitmix64 finaliser (Steele, Lea, Flood: Fast splittable pseudorandom number
# generators, OOPSLA 2014), written as the signed 64-bit integers that torch has.
_GOLDEN = 0x9E3779B97F4A7C15 - 2**64
_FIRST = 0xBF58476D1CE4E5B9 - 2**64
_SECOND = 0x94D049BB133111EB - 2**64


class Split(enum.IntEnum):
    """Which part of the task distribution an episode is drawn from."""

    TRAIN = 0
    VAL = 1
    TEST = 2

    @property
    def label(self) -> str:
        """The lower-case name."""
        return self.name.lower()


class Purpose(enum.IntEnum):
    """What a random number decides; different purposes never share numbers."""

    CLASSES = 1
    EXAMPLES = 2
    ROTATION = 3
    AMPLITUDE = 4
    PHASE = 5
    SUPPORT_POINTS = 6
    QUERY_POINTS = 7
    CUSTOM = 8


@dataclass(frozen=True)
class Stream:
    """The source of all randomness of one split of one run: a seed and the split's name."""

    seed: int
    split: Split

    def bits(self, purpose: Purpose, *counters: Tensor) -> Tensor:
        """Return 64 random bits, an int64 uniform over all 2^64 values, for each element of the broadcast `counters`.

        Args:
            *counters: Integer tensors (task index, position, ...) that broadcast together.
        """
        first, *others = counters
        state = first ^ _key(self.seed, self.split, purpose)
        for counter in others:
            state = _absorb(state, counter)
        return _mix(state + _GOLDEN)

    def uniform(self, purpose: Purpose, *counters: Tensor) -> Tensor:
        """Return float64 numbers in [0, 1) with 53 random bits each, of the broadcast shape of `counters`."""
        return _shift_right(self.bits(purpose, *counters), 11).to(torch.float64) * 2.0**-53


def choose(keys: Tensor, count: int) -> Tensor:
    """Choose `count` of the last dimension without replacement, in random order: int64 indices `[..., count]`.

    The choice of fewer is the beginning of the choice of more, so that episodes with fewer queries contain the
    same support examples.

    Args:
        keys: Random int64 `[..., population]`; an element set to the smallest int64 is never chosen before others.
        count: At most the population.
    """
    return keys.topk(count, dim=-1).indices


@cache
def _key(seed: int, split: Split, purpose: Purpose) -> int:
    """Return the 64 bits that the numbers of one seed, split and purpose start from."""
    state = torch.tensor(seed)
    for name in (split, purpose):
        state = _absorb(state, torch.tensor(int(name)))
    return int(_mix(state + _GOLDEN))


def _absorb(state: Tensor, counter: Tensor) -> Tensor:
    return _mix(state + _GOLDEN) ^ counter


def _mix(bits: Tensor) -> Tensor:
    bits = (bits ^ _shift_right(bits, 30)) * _FIRST
    bits = (bits ^ _shift_right(bits, 27)) * _SECOND
    return bits ^ _shift_right(bits, 31)


def _shift_right(bits: Tensor, by: int) -> Tensor:
    # torch shifts int64 arithmetically; the mask clears the copies of the sign.
    return (bits >> by) & ((1 << (64 - by)) - 1)
