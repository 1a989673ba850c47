"""The state of a run: its sign, its word, and the sentence that explains it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.runs.events import LIVE_STATES
from engine.text import printable
from maml_tui.pages.train.scene import Scene, ago, resumable
from maml_tui.runs.event_text import STATE_SIGNS

if TYPE_CHECKING:
    from engine.runs.events import State
    from maml_tui.pages.train.scene import Line


def state_word(scene: Scene) -> Line:
    """Return sign and word of the run's state and, if it should have told something, how long it has been silent."""
    sign, role = STATE_SIGNS[scene.status.state]
    silence: Line = () if scene.silence is None else ((f" silent for {ago(scene.silence)}", "warning"),)
    return ((f"{sign} ", role), (_word(scene).upper(), role), *silence)


def _word(scene: Scene) -> str:
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
            return ((f"stopping {reason}: {_what_comes(scene)}", "warning"),)
        case "done":
            return ((reason, ""), (f"; r goes on {_from(scene)}" if resumable(scene.watch) else "", "dim"))
        case "failed":
            log = printable(scene.watch.run.log)
            return ((reason, "bad"), (f"; r tries again {_from(scene)}; log: {log}", "dim"))
        case "diverged":
            return ((reason, "bad"), (f"; r goes on {_from(scene)}, with the same settings", "dim"))
        case "lost":
            return ((f"lost: {reason}", "bad"), (f"; r resumes {_from(scene)}", "strong"))


def nothing_yet(state: State) -> str:
    """Return what is said where there are no values to plot."""
    if state == "warming-up":
        return "the first values come when PyTorch is imported and the data are loaded"
    return (
        "the first values come with the first iterations"
        if state in LIVE_STATES
        else "no values: it never trained"
    )


def _what_comes(scene: Scene) -> str:
    if scene.measuring is not None:
        return "training is over, the result is being measured"
    return "the iteration is finished first"


def _from(scene: Scene) -> str:
    checkpoint = scene.watch.history.checkpoint
    return "from the start" if checkpoint is None else f"from iteration {checkpoint.iteration:,}"
