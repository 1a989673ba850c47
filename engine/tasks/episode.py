"""What an episode is, and what every source of episodes offers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import torch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

    from engine.tasks.sampling import Stream


@dataclass(frozen=True)
class EpisodeShape:
    """How large an episode is.

    Attributes:
        ways: Classes N of a task; 1 for regression.
        shots: Support examples K of each class.
        queries: Query examples of each class.
    """

    ways: int
    shots: int
    queries: int


@dataclass(frozen=True)
class Episodes:
    """A batch of episodes; each is a task's support set D and query set D' (paper, Algorithm 2).

    Attributes:
        support_x: Inputs to adapt on, `[tasks, ways*shots, *input_shape]`.
        support_y: Their targets: class columns `[tasks, ways*shots]` int64, or values `[tasks, shots, 1]`.
        query_x: Inputs to be judged on, `[tasks, ways*queries, *input_shape]`.
        query_y: Their targets, shaped like `support_y`.
    """

    support_x: Tensor
    support_y: Tensor
    query_x: Tensor
    query_y: Tensor

    def tensors(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return support inputs and targets, query inputs and targets."""
        return self.support_x, self.support_y, self.query_x, self.query_y

    def pooled(self) -> Episodes:
        """Return the batch with each task's support examples among its queries, too."""
        sets = ((self.support_x, self.query_x), (self.support_y, self.query_y))
        return Episodes(self.support_x, self.support_y, *(torch.cat(both, dim=1) for both in sets))

    def split(self, size: int) -> Iterator[Episodes]:
        """Yield the batch in parts of `size` episodes."""
        if len(self.support_x) <= size:
            return iter((self,))
        parts = zip(*(part.split(size) for part in self.tensors()), strict=True)  # type: ignore[no-untyped-call]
        return (Episodes(*part) for part in parts)


class TaskSource(Protocol):
    """A task distribution: episodes as a pure function of (seed, split, index)."""

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of one input, without the example dimension."""

    @property
    def device(self) -> torch.device:
        """Where the episodes are made."""

    @property
    def fingerprint(self) -> dict[str, str]:
        """Hashes of the data and of the class split; empty for sources without data."""

    def check(self, shape: EpisodeShape) -> None:
        """Raise UsageError if some split cannot give episodes of this shape."""

    def sample(self, stream: Stream, indices: Tensor, shape: EpisodeShape) -> Episodes:
        """Return the episodes with the given numbers (int64 `[tasks]`) of a stream."""
