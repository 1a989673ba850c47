"""What the worker's machine is doing: its own processor time and memory, and the GPU it computes on."""

from __future__ import annotations

import importlib
import time
from typing import TYPE_CHECKING, TypeVar

import psutil

from engine.runs.status import GpuTelemetry, Telemetry

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

_Answer = TypeVar("_Answer")


class Machine:
    """Takes samples of this process and its machine. A sample takes well under a millisecond without a GPU.

    Attributes:
        gpu: None where there is none, or none that can be asked.
    """

    def __init__(self, process: psutil.Process | None = None, clock: Callable[[], float] = time.time) -> None:
        self.gpu: Gpu | None = None
        self._process = process or psutil.Process()
        self._clock = clock
        self._cores = psutil.cpu_count()
        self._process.cpu_percent()  # the first answer has nothing to be a difference to

    def sample(self) -> Telemetry | None:
        """Return what goes on now, the processor's share since the last call; None if the system does not tell."""
        try:
            memory = psutil.virtual_memory()
            return Telemetry(
                time=self._clock(),
                cpu_percent=self._process.cpu_percent(),
                cores=self._cores,
                rss=self._process.memory_info().rss,
                memory_used=memory.total - memory.available,
                memory_total=memory.total,
                gpu=self.gpu.sample() if self.gpu else None,
            )
        except (psutil.Error, OSError):
            return None


class Gpu:
    """Asks NVIDIA's management library (NVML) about one GPU.

    Args:
        nvml: The module `pynvml`, initialised.
    """

    def __init__(self, nvml: ModuleType, handle: object) -> None:
        self._nvml = nvml
        self._handle = handle
        self._name = self._ask(nvml.nvmlDeviceGetName) or ""

    @classmethod
    def find(cls, uuid: str) -> Gpu | None:
        """Return the GPU with a UUID (`GPU-...`), which unlike its number is the same for CUDA and NVML.

        None where the library or the driver is missing, or does not know it.
        """
        try:
            nvml = importlib.import_module("pynvml")
        except ImportError:
            return None
        try:
            nvml.nvmlInit()
            return cls(nvml, nvml.nvmlDeviceGetHandleByUUID(uuid))
        except nvml.NVMLError:
            return None

    def sample(self) -> GpuTelemetry:
        """Return what the GPU is doing; None for each quantity it does not tell."""
        nvml = self._nvml
        memory = self._ask(nvml.nvmlDeviceGetMemoryInfo)
        rates = self._ask(nvml.nvmlDeviceGetUtilizationRates)
        milliwatts = self._ask(nvml.nvmlDeviceGetPowerUsage)
        return GpuTelemetry(
            name=self._name,
            utilization=None if rates is None else rates.gpu,
            memory_used=None if memory is None else memory.used,
            memory_total=None if memory is None else memory.total,
            power=None if milliwatts is None else milliwatts / 1000,
            temperature=self._ask(nvml.nvmlDeviceGetTemperature, nvml.NVML_TEMPERATURE_GPU),
            sm_clock=self._ask(nvml.nvmlDeviceGetClockInfo, nvml.NVML_CLOCK_SM),
        )

    def _ask(self, question: Callable[..., _Answer], *details: int) -> _Answer | None:
        try:
            return question(self._handle, *details)
        except self._nvml.NVMLError:
            return None
