"""Items are worked on side by side, in order, with a share of the cores each."""

from __future__ import annotations

import threading

import pytest
import torch

from engine.acceleration.threads import TaskThreads, sharing


@pytest.fixture(autouse=True)
def _four_cores():
    before = torch.get_num_threads()
    torch.set_num_threads(4)
    yield
    torch.set_num_threads(before)


def cores(_: int) -> int:
    return torch.get_num_threads()


@pytest.mark.parametrize(
    ("count", "limit", "share"), [(1, None, 4), (1, 1, 1), (2, None, 2), (3, None, 1), (8, None, 1)]
)
def test_each_thread_has_its_share(count, limit, share):
    assert set(TaskThreads(count, limit).map(cores, range(20))) == {share}
    assert torch.get_num_threads() == 4


def test_two_items_at_once_and_results_in_order():
    meeting = threading.Barrier(2, timeout=30)

    def meet(item: int) -> int:
        meeting.wait()
        return item * item

    assert TaskThreads(2).map(meet, range(6)) == [0, 1, 4, 9, 16, 25]


@pytest.mark.parametrize("count", [1, 2])
def test_an_error_reaches_the_caller(count):
    with pytest.raises(ZeroDivisionError):
        TaskThreads(count).map(lambda item: 1 // item, [1, 0])
    assert torch.get_num_threads() == 4


def test_cores_are_shared_as_before_afterwards():
    before = torch.get_num_threads()
    with sharing(3):
        assert torch.get_num_threads() == 3
    assert torch.get_num_threads() == before
