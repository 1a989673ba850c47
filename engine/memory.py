"""Running out of memory, told in words."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

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
        # On the CPU PyTorch has no class of its own for it.
        if isinstance(error, torch.OutOfMemoryError) or "DefaultCPUAllocator" in str(error):
            raise ResourceError(f"out of memory: {remedy} ({str(error).splitlines()[0]})") from error
        raise
