"""What the machine does, told by stand-ins for psutil's process and NVIDIA's library."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import psutil
import pytest

from engine.runs.status import GpuTelemetry, Status
from engine.worker.telemetry import Gpu, Machine


class NVMLError(Exception):
    pass


class FakeProcess:
    def __init__(self):
        self.asked = 0

    def cpu_percent(self):
        self.asked += 1
        return 0.0 if self.asked == 1 else 150.0

    def memory_info(self):
        return SimpleNamespace(rss=3 * 2**30)


def fake_nvml(**changes):
    """A library that knows one GPU, whose every quantity is told."""

    def by_uuid(uuid):
        if uuid != "GPU-1":
            raise NVMLError("Not Found")
        return "handle"

    functions = {
        "nvmlInit": lambda: None,
        "nvmlDeviceGetHandleByUUID": by_uuid,
        "nvmlDeviceGetName": lambda handle: "NVIDIA H200",
        "nvmlDeviceGetMemoryInfo": lambda handle: SimpleNamespace(used=12 * 2**30, total=139 * 2**30),
        "nvmlDeviceGetUtilizationRates": lambda handle: SimpleNamespace(gpu=87, memory=3),
        "nvmlDeviceGetPowerUsage": lambda handle: 412_300,
        "nvmlDeviceGetTemperature": lambda handle, sensor: 58,
        "nvmlDeviceGetClockInfo": lambda handle, kind: {1: 1755}[kind],
        "NVML_TEMPERATURE_GPU": 0,
        "NVML_CLOCK_SM": 1,
        "NVMLError": NVMLError,
    }
    return SimpleNamespace(**functions | changes)


def refuse(*_):
    raise NVMLError("Not Supported")


@pytest.fixture
def nvml(monkeypatch):
    """Put a stand-in in the place of pynvml: `nvml(function=...)`."""

    def install(**changes):
        monkeypatch.setitem(sys.modules, "pynvml", fake_nvml(**changes))

    return install


def test_a_sample_of_the_machine():
    sample = Machine(FakeProcess(), clock=lambda: 1000.0).sample()
    assert (sample.time, sample.cpu_percent, sample.rss) == (1000.0, 150.0, 3 * 2**30)
    assert sample.cores == psutil.cpu_count() and 0 < sample.memory_used < sample.memory_total
    assert sample.gpu is None


def test_a_system_that_does_not_tell():
    process = FakeProcess()
    machine = Machine(process)
    process.memory_info = lambda: (_ for _ in ()).throw(psutil.AccessDenied())
    assert machine.sample() is None


def test_a_gpu_tells_all_in_our_units(nvml):
    nvml()
    machine = Machine(FakeProcess())
    machine.gpu = Gpu.find("GPU-1")
    assert machine.sample().gpu == GpuTelemetry(
        name="NVIDIA H200",
        utilization=87,
        memory_used=12 * 2**30,
        memory_total=139 * 2**30,
        power=412.3,
        temperature=58,
        sm_clock=1755,
    )


def test_what_a_gpu_does_not_tell_is_left_out(nvml):
    nvml(nvmlDeviceGetUtilizationRates=refuse, nvmlDeviceGetPowerUsage=refuse, nvmlDeviceGetName=refuse)
    sample = Gpu.find("GPU-1").sample()
    assert (sample.name, sample.utilization, sample.power) == ("", None, None)
    assert sample.memory_used == 12 * 2**30


def test_without_the_library_the_driver_or_the_gpu_there_is_none(nvml, monkeypatch):
    nvml()
    assert Gpu.find("GPU-2") is None
    nvml(nvmlInit=refuse)
    assert Gpu.find("GPU-1") is None
    monkeypatch.setitem(sys.modules, "pynvml", None)
    assert Gpu.find("GPU-1") is None


def test_a_status_of_before_telemetry_is_still_read():
    old = '{"name": "old", "state": "done", "created": 1.0, "heartbeat": 2.0}'
    assert Status.model_validate_json(old).telemetry is None


def test_telemetry_survives_the_status_file(nvml):
    nvml()
    machine = Machine(FakeProcess())
    machine.gpu = Gpu.find("GPU-1")
    status = Status(name="new", state="running", created=1.0, heartbeat=2.0, telemetry=machine.sample())
    assert Status.model_validate_json(status.model_dump_json()) == status
