"""What the worker's machine is doing, with the course of the last minutes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.text import printable
from maml_tui.plotting.gauges import sparkline
from maml_tui.training_view.lines import Line, Panel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.runs.status import GpuTelemetry, Telemetry
    from maml_tui.plotting.charset import Charset
    from maml_tui.training_view.scene import Scene

_LABEL, _VALUE = 6, 18
_LONGEST_COURSE = 60
_GIB = 2**30


def machine(scene: Scene, width: int) -> Panel:
    """Return the GPU's lines where the worker has one, then those of processor and memory."""
    title = f"Machine · {printable(scene.status.host)}" if scene.status.host else "Machine"
    if scene.status.telemetry is None or not scene.machine:
        waiting = "the first sample comes in a second" if scene.live else "no worker is at this run"
        return Panel(title, [((waiting, "dim"),)])
    gpu = scene.machine[-1].gpu
    name = f" · {printable(gpu.name)}" if gpu is not None and gpu.name else ""
    columns = max(1, min(_LONGEST_COURSE, width - _LABEL - _VALUE - 1))
    shown = scene.machine[-columns:]
    return Panel(title + name, [*_gpu(shown, columns, scene.charset), *_host(shown, columns, scene.charset)])


def _gpu(samples: Sequence[Telemetry], columns: int, charset: Charset) -> list[Line]:
    gpus = [sample.gpu for sample in samples if sample.gpu is not None]
    if not gpus:
        return []
    now, total = gpus[-1], gpus[-1].memory_total
    lines = []
    if now.utilization is not None:
        busy = [-1.0 if gpu.utilization is None else gpu.utilization for gpu in gpus]
        course = sparkline(busy, columns, charset, (0, 100))
        lines.append(_line("GPU", course, f"{now.utilization:.0f} %"))
    if now.memory_used is not None and total:
        course = sparkline([gpu.memory_used or 0 for gpu in gpus], columns, charset, (0, total))
        lines.append(_line("memory", course, f"{_gib(now.memory_used)} of {_gib(total)} GiB"))
    return [*lines, ((_condition(now), ""),)]


def _condition(gpu: GpuTelemetry) -> str:
    facts = [
        None if gpu.power is None else f"{gpu.power:.0f} W",
        None if gpu.temperature is None else f"{gpu.temperature:.0f} °C",
        None if gpu.sm_clock is None else f"SM {gpu.sm_clock:,} MHz",
    ]
    return " · ".join(fact for fact in facts if fact)


def _host(samples: Sequence[Telemetry], columns: int, charset: Charset) -> list[Line]:
    now = samples[-1]
    cores = now.cores or 1
    busy = sparkline([sample.cpu_percent for sample in samples], columns, charset, (0, 100 * cores))
    used = sparkline([sample.memory_used for sample in samples], columns, charset, (0, now.memory_total))
    return [
        _line("cpu", busy, f"{now.cpu_percent / 100:.1f} of {cores} cores"),
        _line("ram", used, f"{_gib(now.memory_used)} of {_gib(now.memory_total)} GiB"),
        ((f"the worker occupies {_gib(now.rss)} GiB", "dim"),),
    ]


def _line(label: str, course: str, value: str) -> Line:
    return ((f"{label:<{_LABEL}} ", ""), (course, "good"), (f" {value:>{_VALUE - 1}}", ""))


def _gib(size: int) -> str:
    return f"{size / _GIB:.1f}" if size < 100 * _GIB else f"{size / _GIB:.0f}"
