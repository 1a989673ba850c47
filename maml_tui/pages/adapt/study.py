"""What is known about adaptation in one run: the wish, the newest answer, or why there is none."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from engine.errors import MamlError
from engine.runs.checkpoints import read_pointer
from engine.runs.events import ENDED_STATES
from engine.services.client import AsyncClient
from engine.services.explore_messages import EXPLORE, no_checkpoint_yet
from engine.text import printable
from maml_tui.pages.adapt.selection import Selection

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from engine.runs.checkpoints import CheckpointRecord, Label
    from engine.services.explore_messages import Exploration, ExploreRequest
    from maml_tui.runs.watch import RunWatch

_LOOK_SECONDS = 1.0  # a live run's checkpoints are not looked at more often than this


class Study:
    """Keeps the answer up to date with the wish and with the run's checkpoints.

    Attributes:
        selection: What the person wants to see; set it, then `ask` if `due`.
        version: Goes up with every answer and every problem.
    """

    def __init__(
        self,
        watch: RunWatch,
        environment: Mapping[str, str],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.watch = watch
        self.selection = Selection.of(watch.config, "latest")
        self.answer: Exploration | None = None
        self.version = 0
        self._client = AsyncClient(EXPLORE, environment)
        self._clock = clock
        self._checkpoint: CheckpointRecord | None = None
        self._seen: tuple[Label, int] | None = None
        self._seen_at = 0.0
        self._asked: tuple[ExploreRequest, str] | None = None
        self._answered: tuple[ExploreRequest, str] | None = None
        self._problem = ""

    @property
    def due(self) -> bool:
        """Whether there is something to ask that was not asked yet."""
        return self._wish is not None and self._wish != self._asked

    @property
    def busy(self) -> bool:
        """Whether an answer is on its way."""
        return self._asked != self._answered

    @property
    def origin(self) -> str:
        """Where the shown model comes from: run, checkpoint, iteration, and whether another answer is on its way."""
        name = printable(self.watch.record.name)
        told = f"{printable(self.watch.run.id)} {name}, {self.watch.status.state}"
        if self.answer is None or self.notice:
            return told
        told += f": {self.selection.checkpoint} checkpoint, iteration {self.answer.iteration:,}"
        return f"{told}, adapting..." if self.busy else told

    @property
    def notice(self) -> str:
        """Why there is nothing to see and what to do about it; empty if there is."""
        if self._seen is None:
            return "looking for a checkpoint..."
        if self._checkpoint is None:
            return self._no_checkpoint()
        if self._problem:
            return f"{self._problem}\n\nAnother task, K or checkpoint tries again."
        if self.answer is None:
            return "loading the network... (a few seconds, the first time)"
        return ""

    async def look(self) -> None:
        """See whether the checkpoint that is wanted is another one than last time.

        Raises:
            ResourceError: The run's folder cannot be read.
        """
        label, now = self.selection.checkpoint, self._clock()
        found = (label, self.watch.version)
        if found == self._seen:
            return
        if self._seen and self._seen[0] == label and now - self._seen_at < _LOOK_SECONDS:
            return
        first = self._seen is None
        self._seen, self._seen_at = found, now
        self._checkpoint = await asyncio.to_thread(read_pointer, self.watch.run, label)
        if first and self.watch.status.state in ENDED_STATES:
            await self._prefer_best()
        self.version += 1

    async def ask(self) -> None:
        """Ask for what is due, and take the answer."""
        wish = self._asked = self._wish
        if wish is None:
            return
        answer, problem = self.answer, ""
        try:
            answer = await self._client.ask(wish[0])
        except MamlError as error:
            problem = str(error)
        if wish != self._asked or (answer is None and not problem):
            return
        self._answered = wish
        self.answer, self._problem = answer, problem
        self.version += 1

    async def close(self) -> None:
        """End the process; the next question starts another one."""
        await self._client.close()

    @property
    def _wish(self) -> tuple[ExploreRequest, str] | None:
        if self._checkpoint is None:
            return None
        return self.selection.request(str(self.watch.run.path)), self._checkpoint.sha256

    async def _prefer_best(self) -> None:
        """Begin with the best checkpoint of a run that has ended."""
        best = await asyncio.to_thread(read_pointer, self.watch.run, "best")
        if best is not None:
            self.selection, self._checkpoint = self.selection.other_checkpoint(), best
            self._seen = (self.selection.checkpoint, self.watch.version)

    def _no_checkpoint(self) -> str:
        told = no_checkpoint_yet(self.watch.config, self.selection.checkpoint)
        if self.selection.checkpoint == "best":
            return f"{told}\n\nPress v for the latest checkpoint."
        if (state := self.watch.status.state) in ENDED_STATES:
            return f"{told}\n\nThe run has ended ({state}): resume it in Train, or choose another in Runs."
        return f"{told}\n\nPress 2 for Train, then c to write one now."
