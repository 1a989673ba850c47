"""Device, timing and results of the GPU checks. `--dry` runs the same code on the CPU, with tiny shapes."""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
import traceback
from pathlib import Path

import torch

DRY = "--dry" in sys.argv
OUT = Path(os.environ.get("OUT", "gpu-out"))
DEVICE = torch.device("cpu" if DRY else "cuda:0")
GPU = DEVICE.type == "cuda"

if GPU and not torch.cuda.is_available():
    raise SystemExit("no CUDA device: use --dry to run on the CPU")

_DEADLINE = time.monotonic() + float(os.environ.get("STAGE_SECONDS", "1e9"))


def seconds_left() -> float:
    """Return the seconds that the stage still has."""
    return _DEADLINE - time.monotonic()


def chosen(names) -> list[str]:
    """Return those of a stage's configurations, workloads or layers that `ONLY` names, all of them without it.

    Raises:
        SystemExit: It names none of them.
    """
    wanted = [name for name in os.environ.get("ONLY", "").split(",") if name]
    found = [name for name in names if name in (wanted or names)]
    if not found:
        raise SystemExit(f"ONLY={','.join(wanted)} names none of: {', '.join(names)}")
    return found


def set_tf32(on: bool) -> None:
    """Let cuDNN and cuBLAS round the inputs of their products to TF32, or not."""
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = on


def capture(function, warm_ups: int = 3):
    """Return the replay of `function` recorded as a CUDA graph; the function itself without a GPU."""
    if not GPU:
        function()
        return function
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.stream(stream):
        for _ in range(warm_ups):
            function()
        with torch.cuda.graph(graph, stream=stream):
            function()
    torch.cuda.current_stream().wait_stream(stream)
    return graph.replay


def milliseconds(call, budget: float = 0.25, rounds: int = 7) -> dict:
    """Return median, minimum and maximum of the time of one `call`, ms.

    Args:
        call: What is timed; many calls in a row between two CUDA events.
        budget: Seconds to spend.
        rounds: Number of measurements.
    """
    if not DRY:
        call()
    once = max(_seconds(call), 1e-6)
    if DRY:
        return {"ms": 1e3 * once, "min": 1e3 * once, "max": 1e3 * once}
    calls = max(1, min(200, int(budget / rounds / once)))
    times = []
    for _ in range(rounds):
        first, last = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        first.record()
        for _ in range(calls):
            call()
        last.record()
        last.synchronize()
        times.append(first.elapsed_time(last) / calls)
    return {"ms": statistics.median(times), "min": min(times), "max": max(times)}


def _seconds(call) -> float:
    synchronize()
    began = time.perf_counter()
    call()
    synchronize()
    return time.perf_counter() - began


def synchronize() -> None:
    """Wait for the GPU, if there is one."""
    if GPU:
        torch.cuda.synchronize()


def kernels_of(call, top: int = 12) -> dict:
    """Return the number of kernels that one `call` launches, and the most expensive ones; {} without a GPU."""
    if not GPU:
        return {}
    from torch.profiler import ProfilerActivity, profile

    try:
        with profile(activities=[ProfilerActivity.CUDA, ProfilerActivity.CPU]) as profiler:
            call()
            torch.cuda.synchronize()
        events = [e for e in profiler.events() if e.device_type == torch.autograd.DeviceType.CUDA]
    except Exception as error:  # a profile is optional: timings matter more
        return {"problem": repr(error)[:300]}
    totals: dict[str, list[float]] = {}
    for event in events:
        total = totals.setdefault(event.name[:90], [0, 0.0])
        total[0] += 1
        total[1] += event.time_range.elapsed_us()
    most = sorted(totals.items(), key=lambda item: -item[1][1])[:top]
    return {
        "count": len(events),
        "us": sum(total[1] for total in totals.values()),
        "top": {name: [count, round(us, 1)] for name, (count, us) in most},
    }


def relative_error(found, expected) -> float:
    """Return the norm of the difference of two tensors, relative to that of the second."""
    found, expected = found.double().cpu(), expected.double().cpu()
    return float((found - expected).norm() / expected.norm())


class Results:
    """Rows of one stage, written after each one: a stage that is killed leaves what it had.

    A row with `wrong` or `problem` is a failure; one with `skipped` was not run.
    """

    def __init__(self, stage: str) -> None:
        self._path, self._rows = OUT / f"{stage}.json", []
        OUT.mkdir(parents=True, exist_ok=True)

    def add(self, **row) -> None:
        """Add a row, write the file and print the row in short."""
        self._rows.append(row)
        self._path.write_text(json.dumps(self._rows, indent=0, default=str))
        short = {key: value for key, value in row.items() if key not in ("trace", "kernels")}
        if "count" in row.get("kernels", {}):
            short["kernels"] = row["kernels"]["count"]
        print(" ".join(f"{key}={_shortened(value)}" for key, value in short.items()), flush=True)

    def attempt(self, function, *args, **about) -> None:
        """Add the row that `function` returns, or what went wrong in it."""
        if seconds_left() < 0:
            self.add(**about, skipped="no time left")
            return
        try:
            self.add(**about, **function(*args))
        except Exception as error:
            reason = (str(error).splitlines() or [""])[0][:300]
            trace = traceback.format_exc()[-1500:]
            self.add(**about, problem=f"{type(error).__name__}: {reason}", trace=trace)
            if GPU and ("CUDA error" in str(error) or isinstance(error, torch.AcceleratorError)):
                raise SystemExit("the CUDA context is lost; results so far are written") from error


def _shortened(value) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)[:160]
