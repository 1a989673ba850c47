"""What is known about adaptation in one run and in its pretrained baseline: the newest answer, or why there is none."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from engine.errors import MamlError
from engine.files import read_bounded
from engine.runs.checkpoints import CheckpointRecord, Label, read_pointer
from engine.runs.events import ENDED_STATES
from engine.runs.index import list_runs
from engine.services.client import AsyncClient
from engine.services.explore_messages import EXPLORE, CurveAnswer, no_checkpoint_yet
from engine.text import printable
from maml_tui.pages.adapt.selection import Selection
from maml_tui.runs.watch import RunWatch

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from engine.config.schema import RunConfig
    from engine.runs.directory import RunDirectory
    from engine.services.explore_messages import Exploration, ExploreRequest

_MAX_CONFIG_BYTES = 1 << 20
_TASK_OPTIONS = ("data", "amplitude", "phase", "x_range")
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


class Baseline:
    """The newest pretrained run on the tasks of another, with a study of its own that follows the other's selection.

    Attributes:
        study: Of the baseline, or None while none is known.
        sought: Whether one was looked for.
    """

    def __init__(self, watch: RunWatch, environment: Mapping[str, str]) -> None:
        self.study: Study | None = None
        self.sought = False
        self._watch = watch
        self._environment = environment

    @property
    def remark(self) -> str:
        """Where the baseline comes from, why nothing is seen of it, or how to get one; empty before it is known."""
        if self.study is None:
            preset = printable(self._watch.record.preset.get("name", "PRESET"))
            advice = f"pretrained beside it: maml train {preset} -s algorithm=pretrained"
            return advice if self.sought and self._wanted else ""
        run, name = printable(self.study.watch.run.id), printable(self.study.watch.record.name)
        if self.study.notice:
            return f"pretrained: {run} {name}, {self.study.notice.splitlines()[0]}"
        return f"pretrained: {run} {name}, {self.study.selection.checkpoint} checkpoint"

    @property
    def state(self) -> object:
        """Compares unequal once there is something else to show than before."""
        return self.remark, self.study.version if self.study else 0

    async def seek(self) -> None:
        """Look among the runs, in a thread; what was found before stays unless there is a newer one.

        Raises:
            ResourceError: The folder of the runs cannot be read.
        """
        found = await asyncio.to_thread(find_baseline, self._watch) if self._wanted else None
        self.sought = True
        before = self.study
        if (before and before.watch.run) == (found and found.run):
            return
        self.study = Study(found, self._environment) if found else None
        if before:
            await before.close()
        if self.study:
            await self.study.look()

    def follow(self, selection: Selection) -> Study | None:
        """Want the same of the baseline, from the parameters it has; return its study if there is one."""
        if self.study:
            self.study.selection = replace(selection, checkpoint=self.study.selection.checkpoint)
        return self.study

    def losses(self, answer: Exploration) -> tuple[float, ...] | None:
        """Return its query loss after each step of the same task; empty while not known, None without a baseline."""
        found = self.answer(answer)
        return found.loss if found else None if self.study is None else ()

    def answer(self, answer: Exploration) -> CurveAnswer | None:
        """Return what the baseline makes of the same task, or None while that is not known."""
        found = self.study.answer if self.study and not self.study.notice else None
        if isinstance(answer, CurveAnswer) and isinstance(found, CurveAnswer):
            return found if _task_of(found) == _task_of(answer) else None
        return None

    @property
    def _wanted(self) -> bool:
        config = self._watch.config
        return config.task.data == "sinusoid" and config.algorithm.algorithm != "pretrained"

    async def close(self) -> None:
        """End the process; the next question starts another one."""
        if self.study:
            await self.study.close()


def find_baseline(watch: RunWatch) -> RunWatch | None:
    """Return the newest run beside `watch` that is its pretrained baseline and has a checkpoint, or None.

    Raises:
        ResourceError: The folder of the runs cannot be read.
    """
    for summary in list_runs(watch.run.path.parent):
        # A run that cannot be read, or is being removed, is no baseline.
        with suppress(MamlError, OSError):
            if (found := _pretrained(summary.run)) and is_baseline_of(watch.config, found.config):
                return found
    return None


def is_baseline_of(config: RunConfig, other: RunConfig) -> bool:
    """Whether `other` is pretrained, with the network of `config`, and is shown the very same tasks."""
    return (
        other.algorithm.algorithm == "pretrained"
        and other.model == config.model
        and other.evaluation.eval_seed == config.evaluation.eval_seed
        and all(getattr(other.task, key) == getattr(config.task, key) for key in _TASK_OPTIONS)
    )


def _pretrained(run: RunDirectory) -> RunWatch | None:
    # To understand a configuration takes milliseconds, and there may be thousands: most are passed over unread.
    if b'"pretrained"' not in read_bounded(run.config, _MAX_CONFIG_BYTES):
        return None
    return RunWatch(run) if read_pointer(run, "latest") else None


def _task_of(answer: CurveAnswer) -> tuple[object, ...]:
    return answer.truth, answer.support_x, answer.support_y, len(answer.loss)
