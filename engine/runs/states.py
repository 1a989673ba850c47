"""The states of a run."""

from __future__ import annotations

from typing import Literal

State = Literal["queued", "warming-up", "running", "paused", "stopping", "done", "failed", "diverged", "lost"]

LIVE_STATES: frozenset[State] = frozenset({"warming-up", "running", "paused", "stopping"})
"""States in which a worker process must exist; without one the run is lost."""

ENDED_STATES: frozenset[State] = frozenset({"done", "failed", "diverged", "lost"})
"""States that nothing but a resume leaves."""
