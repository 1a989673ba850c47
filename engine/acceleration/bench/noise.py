"""Tasks of noise: the inputs of a comparison of speed, which needs no data set."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import torch

from engine.tasks.build import build_source
from engine.tasks.episode import Episodes, EpisodeShape

if TYPE_CHECKING:
    from torch import Tensor

    from engine.config.schema import RunConfig
    from engine.tasks.sampling import Stream

_SHAPES = {"sinusoid": (1,), "strokes": (1, 28, 28), "omniglot": (1, 28, 28), "miniimagenet": (3, 84, 84)}


@dataclass(frozen=True)
class NoiseTasks:
    """The same noise for every number of a task.

    Attributes:
        input_shape: Shape of one input.
        regression: Whether targets are values rather than class columns.
        device: Where the episodes are made.
    """

    input_shape: tuple[int, ...]
    regression: bool
    device: torch.device

    @classmethod
    def like(cls, config: RunConfig, device: torch.device) -> NoiseTasks:
        """Return noise shaped like the tasks of a configuration.

        Raises:
            ResourceError: Its data is not built in, and not installed.
        """
        shape = _SHAPES.get(config.task.data) or build_source(config, device).input_shape
        return cls(shape, config.is_regression, device)

    @property
    def fingerprint(self) -> dict[str, str]:
        """There is no data behind it."""
        return {}

    def check(self, shape: EpisodeShape) -> None:
        """Accept every shape."""

    def sample(self, stream: Stream, indices: Tensor, shape: EpisodeShape) -> Episodes:
        """Return as many episodes as there are `indices`."""
        return _noise(self, stream.seed, len(indices), shape)


@cache  # on the device before an iteration is recorded
def _noise(source: NoiseTasks, seed: int, tasks: int, shape: EpisodeShape) -> Episodes:
    generator = torch.Generator().manual_seed(seed)
    parts = []
    for examples in (shape.shots, shape.queries):
        x = torch.rand(tasks, shape.ways * examples, *source.input_shape, generator=generator)
        columns = torch.arange(shape.ways).repeat_interleave(examples).expand(tasks, -1)
        parts += [x, x.sin() if source.regression else columns]
    return Episodes(*(part.to(source.device) for part in parts))
