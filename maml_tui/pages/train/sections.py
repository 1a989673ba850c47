"""What a run reached in the end, beside what others published."""

from __future__ import annotations

import math
import textwrap
import time
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from engine.text import printable
from maml_tui.pages.train.metrics import newest_validation
from maml_tui.pages.train.scene import Line, Panel, Scene
from maml_tui.plotting.glyphs import bar, sparkline
from maml_tui.reports.results import ResultTable, result_tables
from maml_tui.reports.text_table import aligned, cell_width, padded
from maml_tui.reports.wording import metric_name, with_interval

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.runs.events import AtStep
    from engine.runs.status import GpuTelemetry, Telemetry
    from maml_tui.plotting import Charset
    from maml_tui.runs.event_text import EventText


_MAX_BAR = 60


def adaptation(scene: Scene, width: int, height: int) -> Panel:
    """Return a bar per inner step: of the test tasks once they were measured, of the newest validation before."""
    tests = scene.watch.history.tests
    event = tests[0] if tests else newest_validation(scene)
    if event is None:
        metric = "MSE" if scene.watch.config.is_regression else "accuracy"
        lines = (f"{metric} after every inner step,", "as soon as it was validated")
        return Panel("Adaptation", [((line, "dim"),) for line in lines])
    metric, series = event.measurement.metric, event.measurement.series
    whose = "" if event.checkpoint == "current" else f" {event.checkpoint}"
    title = f"Adaptation · {event.split}{whose} at {event.iteration:,} · {metric_name(metric)}"
    scored = scene.watch.config.evaluation.scored_step(len(series) - 1)
    shown = [series[step] for step in chosen_steps(len(series), scored, height)]
    return Panel(title, bars(shown, metric, scored, width, scene.charset))


def bars(shown: Sequence[AtStep], metric: str, scored: int, width: int, charset: Charset) -> list[Line]:
    """Return a line per step: its number (starred if it is the scored one), a bar, the mean with its interval."""
    values = [with_interval(metric, at.mean, at.ci95) for at in shown]
    room = max(map(cell_width, values))
    long = max(1, min(_MAX_BAR, width - room - 6))
    full = (
        1.0 if metric == "accuracy" else max((at.mean for at in shown if math.isfinite(at.mean)), default=1.0)
    )
    return [
        (
            (f"{at.step:>2}{'*' if at.step == scored else ' '} ", "strong" if at.step == scored else ""),
            (bar(at.mean / full if full else 0.0, long, charset), "good"),
            (padded(value, room + 2, right=True), "strong" if at.step == scored else ""),
        )
        for at, value in zip(shown, values, strict=True)
    ]


def chosen_steps(count: int, scored: int, rows: int) -> list[int]:
    """Return at most `rows` (2 or more) of the steps 0 to count - 1: first, scored and last one among them."""
    if count <= rows:
        return list(range(count))
    spread = {round(step) for step in np.linspace(0, count - 1, max(2, rows))}
    if scored not in spread and rows > 2:
        spread.remove(min(spread - {0, count - 1}, key=lambda step: abs(step - scored)))
        spread.add(scored)
    return sorted(spread)


def event_list(scene: Scene) -> Panel:
    """Return all events."""
    log = scene.watch.history.log
    today = time.strftime("%m-%d", time.localtime(scene.now))
    lines = [event_line(entry, today) for entry in reversed(log)]
    return Panel(f"Events · {len(log):,}" if log else "Events", lines or [(("no events yet", "dim"),)])


def latest(scene: Scene) -> Panel:
    """Return the newest event only."""
    log = scene.watch.history.log
    return Panel("", [event_line(log[-1], time.strftime("%m-%d", time.localtime(scene.now)))] if log else [])


@lru_cache(4096)  # two thousand are written again for every new one
def event_line(entry: EventText, today: str) -> Line:
    """Return an event: when (with the date if it was not `today`, as month-day), its kind, and what."""
    then = time.localtime(entry.time)
    date = time.strftime("%m-%d", then)
    moment = time.strftime("%H:%M:%S", then) if date == today else time.strftime(f"{date} %H:%M:%S", then)
    return ((f"{moment}  ", "dim"), (f"{entry.kind:<10} ", entry.role), (entry.text, ""))


_LABEL, _VALUE = 6, 18
_MAX_COURSE = 60
_GIB = 2**30


def machine(scene: Scene, width: int) -> Panel:
    """Return the GPU's lines where the worker has one, then those of processor and memory."""
    title = f"Machine · {printable(scene.status.host)}" if scene.status.host else "Machine"
    if scene.status.telemetry is None or not scene.machine:
        waiting = "the first sample comes in a second" if scene.live else "no worker is at this run"
        return Panel(title, [((waiting, "dim"),)])
    gpu = scene.machine[-1].gpu
    name = f" · {printable(gpu.name)}" if gpu is not None and gpu.name else ""
    columns = max(1, min(_MAX_COURSE, width - _LABEL - _VALUE - 1))
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


_MIN_NOTE_WIDTH = 30


def outcome(scene: Scene, width: int) -> Panel:
    """Return the table of the test tasks, the scored step in bold, and the notes below, wrapped to the width.

    Where the best and the last parameters have no room side by side, they stand one below the other.
    """
    result = scene.watch.result
    if result is None or not result.measurements:
        return Panel("Result", [(("not measured yet: it comes at the end of the run", "dim"),)])
    tables = result_tables(scene.watch.config, result.measurements, result.fingerprint, width)
    notes = (
        line
        for note in tables[-1].notes
        for line in textwrap.wrap(note, max(_MIN_NOTE_WIDTH, width), subsequent_indent="  ")
    )
    lines = [line for table in tables for line in (*_lines(table), ())]
    return Panel("Result on the test tasks", [*lines, *(((note, "dim"),) for note in notes)])


def _lines(table: ResultTable) -> list[Line]:
    heading, *rows = aligned([table.columns, *table.rows], numbers=True)
    scored: list[Line] = [((row, "strong" if at == table.scored else ""),) for at, row in enumerate(rows)]
    return [((heading, "dim"),), *scored]
