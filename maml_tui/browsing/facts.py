"""What can be asked of a run. Only its status is read at once; its tags and its options when somebody asks."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING

from engine.config.fields import applicable_fields
from engine.config.record import read_record
from engine.errors import ResourceError, UsageError
from engine.runs.tags import Tags, read_tags

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from engine.runs.directory import RunDirectory
    from engine.runs.status import Status


@dataclass(frozen=True)
class RunFacts:
    """A run at one moment.

    Attributes:
        run: Its folder.
        status: Where it stands.
    """

    run: RunDirectory
    status: Status

    @property
    def best(self) -> float | None:
        """Its best validation value as people write it: accuracy in per cent; None without a finite one."""
        best = self.status.best
        if best is None or not math.isfinite(best):
            return None
        return best * 100 if self.status.metric == "accuracy" else best

    @property
    def contest(self) -> tuple[str, str | None]:
        """What its best value may be compared in: the task and the metric."""
        return self.status.task, self.status.metric

    @cached_property
    def tags(self) -> Tags:
        """Its tags and note; none where they cannot be read (`maml runs show` says so)."""
        try:
            return read_tags(self.run)
        except ResourceError:
            return Tags()

    @property
    def options(self) -> Mapping[str, object]:
        """Every option that has an effect in it, by name; none where its configuration cannot be read."""
        return _options(self.run.config)


@cache  # a run's options never change, and reading them takes a millisecond
def _options(config: Path) -> Mapping[str, object]:
    try:
        asked = read_record(config).resolved.config
    except UsageError:
        return {}
    return {field.name: field.value(asked) for field in applicable_fields(asked)}
