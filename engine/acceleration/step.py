"""A whole meta-iteration as operations on tensors that stay where they are, none of which the host waits for."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch

from engine.training import MOST_SKIPPED_IN_A_ROW, Updated, descend, hold_to_limit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from torch import Tensor

    from engine.acceleration.paths import MetaGradient
    from engine.tasks.episode import Episodes
    from engine.training import TrainingState


class Step:
    """What `engine.training` does in an iteration: sample, adapt, descend; the host is told of it by `read` alone.

    The iteration's number and the counts of what was left out are kept on the device. After too many non-finite
    meta-gradients in a row, a call changes nothing any more, so that calls made before the next `read` do no harm.

    Args:
        state: Parameters and Adam's moments are updated in place by each call, the counts in it by `read`.
        way: Computes the meta-gradient.
        episodes: From an iteration's number (int64 scalar on the device, counted from 0) to its meta-batch.
        clip: See `engine.training.update`.
    """

    def __init__(
        self, state: TrainingState, way: MetaGradient, episodes: Callable[[Tensor], Episodes], clip: float
    ) -> None:
        self._state, self._way, self._episodes, self._clip = state, way, episodes, clip
        device = next(iter(state.theta.values())).device
        counts = [state.iteration, state.skipped, state.skipped_in_a_row]
        self._counts = torch.tensor(counts, device=device)
        self._iteration, self._skipped, self._in_a_row = self._counts.unbind()
        self._measured = torch.zeros(3, device=device)

    @torch.no_grad()
    def __call__(self) -> None:
        """Take one iteration."""
        gradient, metrics = self._way.meta_gradient(self._state.theta, self._episodes(self._iteration))
        norm = torch.nn.utils.get_total_norm(gradient.values())
        self._measured.copy_(torch.stack([metrics.loss, metrics.accuracy, norm]))
        going, finite = self._in_a_row < MOST_SKIPPED_IN_A_ROW, norm.isfinite()
        descend(self._state, gradient, self._clip, skip=(~(going & finite)).float())
        self._skipped.add_(going & ~finite)
        self._in_a_row.copy_(torch.where(going, (self._in_a_row + 1).masked_fill(finite, 0), self._in_a_row))
        self._iteration.add_(going)

    def read(self) -> Updated:
        """Wait for the device, bring the counts of the state up to date and return the last iteration.

        Raises:
            DivergedError: Too many meta-gradients in a row were not finite.
        """
        state = self._state
        state.iteration, state.skipped, state.skipped_in_a_row = self._counts.tolist()
        hold_to_limit(state.skipped_in_a_row, state.iteration)
        loss, accuracy, norm = self._measured.cpu()
        return Updated(loss, accuracy, float(norm))

    @contextmanager
    def idle(self) -> Iterator[None]:
        """Let calls change nothing meanwhile."""
        before = self._in_a_row.clone()
        self._in_a_row.fill_(MOST_SKIPPED_IN_A_ROW)
        yield
        self._in_a_row.copy_(before)
