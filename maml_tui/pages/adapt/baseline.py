"""The pretrained network beside a run's own: found among the runs, and asked the same."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from engine.errors import MamlError
from engine.files import read_bounded
from engine.runs.checkpoints import read_pointer
from engine.runs.index import list_runs
from engine.services.explore_messages import CurveAnswer
from engine.text import printable
from maml_tui.pages.adapt.study import Study
from maml_tui.runs.watch import RunWatch

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.config.schema import RunConfig
    from engine.runs.directory import RunDirectory
    from engine.services.explore_messages import Exploration
    from maml_tui.pages.adapt.selection import Selection

_MAX_CONFIG_BYTES = 1 << 20
_TASK_OPTIONS = ("data", "amplitude", "phase", "x_range")


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
            return _how_to_get_one(self._watch) if self.sought and self._wanted else ""
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


def _how_to_get_one(watch: RunWatch) -> str:
    preset = printable(watch.record.preset.get("name", "PRESET"))
    return f"pretrained beside it: maml train {preset} -s algorithm=pretrained"


def _task_of(answer: CurveAnswer) -> tuple[object, ...]:
    return answer.truth, answer.support_x, answer.support_y, len(answer.loss)
