"""Where a run stands: the two lines at the top of the page, or one, and the sentence that explains its state."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from engine.runs.events import LIVE_STATES, State
from engine.statistics.summary import summarise
from engine.text import printable
from maml_tui.pages.train.scene import Line, Part, Scene, ago, fitted, resumable
from maml_tui.reports.wording import duration, metric_value, significant
from maml_tui.runs.event_text import STATE_SIGNS

if TYPE_CHECKING:
    from maml_tui.runs.history import Floats

_RECENT = 20
_MIN_SPEEDS = 5
_PANEL_BESIDE = 100  # from here on, the GPU has a panel of its own
_FIRST_COLUMNS = 40  # narrower than this, only the essence has room


def status_line(scene: Scene, width: int) -> Line:
    """Return state, name, position, speed and time left, what matters less left out where there is no room."""
    if width < _FIRST_COLUMNS:
        return essence(scene, width)
    status, seed = scene.status, scene.watch.config.training.seed
    parts = [
        Part(0, state_word(scene)),
        Part(2, ((status.name, "strong"),)),
        Part(3, ((f"{scene.watch.run.id}", "dim"),)),
        Part(8, ((f"seed {seed}", "dim"),)),
        Part(1, ((f"{status.iteration:,}/{scene.iterations:,}", ""),)),
        Part(5, _speed(scene)),
        Part(7, ((f"elapsed {duration(status.seconds)}", ""),)),
        Part(4, time_left(scene)),
        Part(6, _gpu(scene) if width < _PANEL_BESIDE else ()),
    ]
    return fitted([part for part in parts if part.line], width)


def essence(scene: Scene, width: int) -> Line:
    """Return what stays where there is room for almost nothing."""
    status = scene.status
    sign, role = STATE_SIGNS[status.state]
    left = duration(status.eta_seconds) if status.state == "running" else ""
    value, percent = metric_value(status.metric or "", status.best), f"{100 * scene.done:.1f}%"
    parts = [
        Part(0, ((f"{sign} ", role), (scene.watch.run.id, ""))),
        Part(1, ((percent, "strong"),)),
        Part(2, ((f"best {value}", ""),) if status.best is not None else ()),
        Part(3, ((left, ""),) if left else ()),
    ]
    return fitted([part for part in parts if part.line], width, gap=" ")


def progress_bar(scene: Scene, width: int) -> Line:
    """Return a bar of what is done: of the training, then of the final measurement."""
    return track(_share(scene), width)


def progress_text(scene: Scene, width: int) -> Line:
    """Return how much is done, what comes next and what is safe; what matters less is left out for want of room."""
    parts = [Part(0, ((f"{100 * _share(scene):.1f} %", "strong"),))]
    parts += [Part(rank, ((fact, ""),)) for rank, fact in enumerate(_facts(scene), 1)]
    return fitted(parts, width, gap="   ")


def track(share: float, width: int) -> Line:
    """Return a thin bar of `width` characters whose heavy part shows a share of 1; more than all counts as all."""
    full = round(min(max(share, 0.0), 1.0) * width)
    return (("━" * full, "good"), ("─" * (width - full), "dim"))


def time_left(scene: Scene) -> Line:
    """Return the estimated time left and, where there are enough recent speeds, its uncertainty."""
    seconds = scene.status.eta_seconds
    if not scene.live or seconds is None:
        return ()
    spread = relative_spread(scene.watch.history.train.speed[-_RECENT:])
    uncertain = "" if spread is None else f" ± {duration(spread * seconds)}"
    return ((f"ETA {duration(seconds)}{uncertain}", ""),)


def relative_spread(speed: Floats) -> float | None:
    """Return the half width of the 95 % interval of the mean seconds per iteration, as a share of it.

    Speeds are in iterations per second [n]; None if they are too few.
    """
    pace = 1 / speed[np.isfinite(speed) & (speed > 0)]
    if len(pace) < _MIN_SPEEDS:
        return None
    mean, half_width, _ = summarise(pace)
    return half_width / mean


def _share(scene: Scene) -> float:
    return scene.done if scene.measuring is None else scene.measuring


def _speed(scene: Scene) -> Line:
    speed = scene.status.iterations_per_second
    return ((f"{significant(speed)} it/s", ""),) if scene.live and speed is not None else ()


def _gpu(scene: Scene) -> Line:
    gpu = scene.status.telemetry.gpu if scene.status.telemetry else None
    if gpu is None or gpu.utilization is None:
        return ()
    return ((f"GPU {gpu.utilization:.0f} %", ""),)


def _facts(scene: Scene) -> list[str]:
    """Return what comes next and what is safe, the most important first."""
    if not scene.live:
        return []
    if scene.measuring is not None:
        return ["of the final measurement"]
    done, every = scene.status.iteration, scene.watch.config.training.eval_every
    checkpoint = scene.watch.history.checkpoint
    left = every - done % every if every else 0
    return [
        *([f"next validation in {left:,} it"] if every and done + left <= scene.iterations else []),
        "no checkpoint yet" if checkpoint is None else f"checkpoint {ago(scene.now - checkpoint.time)} ago",
    ]


def state_word(scene: Scene) -> Line:
    """Return sign and word of the run's state and, if its heartbeat is overdue, for how long it has been silent."""
    sign, role = STATE_SIGNS[scene.status.state]
    silence: Line = () if scene.silence is None else ((f" silent for {ago(scene.silence)}", "warning"),)
    return ((f"{sign} ", role), (_state(scene).upper(), role), *silence)


def _state(scene: Scene) -> str:
    if scene.measuring is not None:
        return "measuring"
    return scene.status.state if scene.validating is None else f"validating {scene.validating:.0%}"


def notice(scene: Scene) -> Line:
    """Return why the run is in its state and what can be done about it; empty while it just trains."""
    status = scene.status
    reason = printable(status.reason)
    match status.state:
        case "queued":
            return (("waiting for a worker to take it up; r starts one", "dim"),)
        case "warming-up":
            return (("importing PyTorch, loading data, building the network…", "dim"),)
        case "running":
            return ()
        case "paused":
            return ((f"paused {reason}: space lets it go on", "warning"),)
        case "stopping":
            measuring = "training is over, the result is being measured"
            comes = "the iteration is finished first" if scene.measuring is None else measuring
            return ((f"stopping {reason}: {comes}", "warning"),)
        case "done":
            return ((reason, ""), (f"; r goes on {_origin(scene)}" if resumable(scene.watch) else "", "dim"))
        case "failed":
            log = printable(scene.watch.run.log)
            return ((reason, "bad"), (f"; r tries again {_origin(scene)}; log: {log}", "dim"))
        case "diverged":
            return ((reason, "bad"), (f"; r goes on {_origin(scene)}, with the same settings", "dim"))
        case "lost":
            return ((f"lost: {reason}", "bad"), (f"; r resumes {_origin(scene)}", "strong"))


def nothing_yet(state: State) -> str:
    """Return what is said where there are no values to plot."""
    if state == "warming-up":
        return "the first values come when PyTorch is imported and the data are loaded"
    if state in LIVE_STATES:
        return "the first values come with the first iterations"
    return "no values: it never trained"


def _origin(scene: Scene) -> str:
    checkpoint = scene.watch.history.checkpoint
    return "from the start" if checkpoint is None else f"from iteration {checkpoint.iteration:,}"
