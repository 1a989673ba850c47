"""Tasks side by side on the cores of the CPU."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

import torch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

Item = TypeVar("Item")
Result = TypeVar("Result")


ONE_CORE_NUMBERS = 50_000
"""Parameters up to which sharing an operation among cores costs more than it saves: another core has to wake up."""


@contextmanager
def sharing(cores: int) -> Iterator[None]:
    """Let PyTorch share the operations of this thread among some cores meanwhile."""
    before = torch.get_num_threads()
    torch.set_num_threads(cores)
    try:
        yield
    finally:
        torch.set_num_threads(before)


class TaskThreads:
    """Threads that each work on one item at a time, with their share of the cores.

    The operators of small networks are too short to be split over cores, whole tasks are not. What is computed does
    not depend on which thread computes it.

    Args:
        count: How many threads; with one, items are worked on by the caller.
        cores: The cores that are shared; all that PyTorch uses if None.
    """

    def __init__(self, count: int, cores: int | None = None) -> None:
        self._share = max(1, (cores or torch.get_num_threads()) // count)
        self._pool = None
        if count > 1:
            self._pool = ThreadPoolExecutor(count, "tasks", torch.set_num_threads, (self._share,))

    def map(self, function: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
        """Return `function` of every item, in their order."""
        if self._pool is not None:
            return list(self._pool.map(function, items))
        with sharing(self._share):
            return list(map(function, items))
