"""The list of what happened to a run, the newest first."""

from __future__ import annotations

import time
from functools import lru_cache
from typing import TYPE_CHECKING

from maml_tui.training_view.lines import Line, Panel, Role

if TYPE_CHECKING:
    from maml_tui.training_view.scene import Scene
    from maml_tui.watching.log import LogLine

_ROLES: dict[str, Role] = {"warning": "warning", "best": "good", "end": "strong", "start": "strong"}


def happenings(scene: Scene) -> Panel:
    """Return all events."""
    log = scene.watch.history.log
    today = time.strftime("%m-%d", time.localtime(scene.now))
    lines = [event_line(entry, today) for entry in reversed(log)]
    return Panel(
        f"Events · {len(log):,}" if log else "Events", lines or [(("nothing has happened yet", "dim"),)]
    )


def latest(scene: Scene) -> Panel:
    """Return the newest event only."""
    log = scene.watch.history.log
    return Panel("", [event_line(log[-1], time.strftime("%m-%d", time.localtime(scene.now)))] if log else [])


@lru_cache(4096)  # two thousand are written again for every new one
def event_line(entry: LogLine, today: str) -> Line:
    """Return an event: when (with the date if it was not `today`, as month-day), its kind, and what."""
    then = time.localtime(entry.time)
    date = time.strftime("%m-%d", then)
    moment = time.strftime("%H:%M:%S", then) if date == today else time.strftime(f"{date} %H:%M:%S", then)
    return ((f"{moment}  ", "dim"), (f"{entry.kind:<10} ", _ROLES.get(entry.kind, "dim")), (entry.text, ""))
