"""All runs, read again and again at little cost."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from engine.paths import runs_dir
from engine.runs.index import run_directories, summarise
from engine.runs.states import LIVE_STATES
from maml_tui.browsing.facts import RunFacts

if TYPE_CHECKING:
    from pathlib import Path

    from engine.runs.directory import RunDirectory


class Library:
    """The runs of a folder. What a run was found to be is kept for as long as its folder does not change.

    A status or tags file is replaced by renaming, which touches the folder. A live run is looked at every time, since
    its process can vanish without touching anything.
    """

    def __init__(self, root: Path | None = None) -> None:
        """Prepare to read the runs under `root` (`runs_dir()` if None); nothing is read yet."""
        self._root = root or runs_dir()
        self._known: dict[RunDirectory, tuple[int, RunFacts]] = {}

    def read(self) -> list[RunFacts]:
        """Return all runs as they are now, in no order.

        Raises:
            ResourceError: The folder cannot be read.
        """
        found: dict[RunDirectory, tuple[int, RunFacts]] = {}
        for run in run_directories(self._root):
            with suppress(FileNotFoundError):  # somebody may be removing it right now
                found[run] = self._look_at(run)
        self._known = found
        return [facts for _, facts in found.values()]

    def _look_at(self, run: RunDirectory) -> tuple[int, RunFacts]:
        changed = (
            run.path.stat().st_mtime_ns
        )  # before the files: what changes while they are read is seen next time
        known = self._known.get(run)
        if known and known[0] == changed and known[1].status.state not in LIVE_STATES:
            return known
        return changed, RunFacts(run, summarise(run).status)
