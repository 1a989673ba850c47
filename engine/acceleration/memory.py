"""How much memory was taken, and running out of it, told in words."""

from __future__ import annotations

import resource
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import psutil
import torch

from engine.errors import ResourceError

if TYPE_CHECKING:
    from collections.abc import Iterator


TRAINING_REMEDY = "set task_chunk = 1 and checkpoint_inner = on, or lower meta_batch_size, queries or filters"
"""What takes less memory, in the order in which to try it: the first two leave the result as it is."""


@contextmanager
def explain_out_of_memory(remedy: str) -> Iterator[None]:
    """Turn an allocation that failed, on any device, into a ResourceError that says what to lower."""
    try:
        yield
    except RuntimeError as error:
        if is_out_of_memory(error):
            raise ResourceError(f"out of memory: {remedy} ({str(error).splitlines()[0]})") from error
        raise


def is_out_of_memory(error: BaseException | None) -> bool:
    """Tell whether an error is an allocation that failed, or one that came up while such an error was passed on."""
    # PyTorch has a class of its own for it neither on the CPU nor where CUDA itself runs out, as for a graph, nor where
    # no convolution of cuDNN finds the memory that it works in.
    words = ("DefaultCPUAllocator", "CUDA error: out of memory", "unable to find an engine")
    return error is not None and (
        isinstance(error, torch.OutOfMemoryError)
        or any(word in str(error) for word in words)
        or is_out_of_memory(error.__context__)
    )


def peak_and_total(device: torch.device) -> tuple[int, int]:
    """Return the most memory that this process took on a device and the memory there is, both in bytes."""
    if device.type == "cuda":
        total = torch.cuda.get_device_properties(device).total_memory
        # Reserved: what a graph works in is nobody else's, also between replays.
        return torch.cuda.max_memory_reserved(device), total
    unit = 1 if sys.platform == "darwin" else 1024  # of ru_maxrss, in bytes
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    return peak, psutil.virtual_memory().total
