"""The device a run computes on and its memory: how much was taken, running out of it, what becomes of freed memory."""

from __future__ import annotations

import ctypes
import platform
import resource
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import psutil
import torch

from engine.errors import ResourceError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# Names and numbers of glibc's malloc.h.
_M_TRIM_THRESHOLD = -1
_M_MMAP_MAX = -4
_NEVER = 2**31 - 1


def keep_freed_memory() -> None:
    """Let this process keep freed memory for its next tensor; without glibc, do nothing.

    By default a large tensor is given back to the system when it is freed, and the next one's pages are cleared again,
    one fault each: up to half of the time of a meta-gradient on MiniImagenet.
    """
    mallopt = _of_glibc("mallopt")
    if mallopt is not None:
        mallopt(_M_MMAP_MAX, 0)
        mallopt(_M_TRIM_THRESHOLD, _NEVER)


def give_back_freed_memory() -> None:
    """Give what was freed until now back to the system, after work that is unlike what follows; else do nothing."""
    malloc_trim = _of_glibc("malloc_trim")
    if malloc_trim is not None:
        malloc_trim(0)


def _of_glibc(name: str) -> Callable[..., int] | None:
    return getattr(ctypes.CDLL(None), name, None) if sys.platform.startswith("linux") else None


def use_device(name: str, *, tf32: bool = False) -> torch.device:
    """Return the device called `name` (`auto`, `cpu`, `cuda` or `cuda:N`), set up for exact and repeatable results.

    `auto` is the first CUDA device where there is one, else the CPU. With `tf32` a GPU may round the inputs of matrix
    products and convolutions to TF32.

    Raises:
        UsageError: If the name is not one of those.
        ResourceError: If this machine has no such device; says which ones it has.
    """
    keep_freed_memory()
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = tf32
    # By algorithms that give the same bits again: a resumed run must not differ.
    torch.backends.cudnn.deterministic = True
    if name == "auto":
        return torch.device("cuda:0" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise UsageError(f"device {name!r} is not a device: choose auto, cpu, cuda or cuda:N") from error
    if not any(
        device.type == known.type and device.index in (None, known.index) for known in available_devices()
    ):
        names = ", ".join(map(str, available_devices()))
        raise ResourceError(f"device {name!r} is not on this machine; it has: {names}")
    return torch.device("cuda:0") if name == "cuda" else device


def available_devices() -> list[torch.device]:
    """Return the devices of this machine."""
    return [torch.device("cpu"), *(torch.device("cuda", n) for n in range(torch.cuda.device_count()))]


def device_name(device: torch.device) -> str:
    """Return what the hardware is called."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return platform.processor() or platform.machine()


def device_uuid(device: torch.device) -> str:
    """Return the UUID of a CUDA device, as NVIDIA's tools write it."""
    return f"GPU-{torch.cuda.get_device_properties(device).uuid}"


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
