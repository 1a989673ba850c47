"""Adapting to many tasks on the CPU to see how well it goes: side by side, and without automatic differentiation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from engine.acceleration.native.conv4 import NativeConv4
from engine.acceleration.networks import Network, descend, network_of
from engine.acceleration.threads import TaskThreads
from engine.models.mlp import MLP

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from torch import Tensor

    from engine.acceleration.native.library import Library
    from engine.acceleration.threads import Result
    from engine.algorithms.adapt import Params
    from engine.algorithms.learner import Learner
    from engine.tasks.episode import Episodes


@dataclass(frozen=True)
class SideBySide:
    """A convolutional network that adapts to a task a thread.

    Attributes:
        learner: The network and its losses.
        network: The network, derivatives included.
        threads: Where tasks are worked on.
    """

    learner: Learner
    network: Network | NativeConv4
    threads: TaskThreads

    def judge(
        self,
        judgement: Callable[[Iterator[Tensor], Tensor], Result],
        thetas: Sequence[Params],
        episodes: Episodes,
        step_size: float,
        steps: int,
    ) -> list[Result]:
        """Adapt to every task and return what is thought of it.

        Args:
            judgement: From the outputs for a task's queries after 0, 1, ..., `steps` steps, `[queries, classes]`
                each, and the queries' classes to anything.
            thetas: The meta-learned parameters or, for an ensemble, those of every member.
            episodes: The tasks.
            step_size: alpha.
            steps: How many gradient steps.
        """
        starts = [self.network.laid_out(theta) for theta in thetas]

        def one(task: tuple[Tensor, ...]) -> Result:
            support_x, support_y, query_x, query_y = task
            support, queries = (self.network.examples(support_x), support_y), self.network.examples(query_x)
            members = [self._outputs(start, support, queries, step_size, steps) for start in starts]
            return judgement(self.learner.together(members), query_y)

        return self.threads.map(one, zip(*episodes.tensors(), strict=True))

    @torch.no_grad()
    def _outputs(
        self, params: Params, support: tuple[Tensor, Tensor], queries: Tensor, step_size: float, steps: int
    ) -> Iterator[Tensor]:
        yield self.network.outputs(params, queries)
        for _ in range(steps):
            gradient = self.network.trace(params, *support).gradient
            params = descend(params, gradient, step_size, self.network.adapted)
            yield self.network.outputs(params, queries)


def side_by_side(learner: Learner, device: torch.device, library: Library | None = None) -> SideBySide | None:
    """Return a fast way to adapt a learner to many tasks, or None where batching them is as good or the only way.

    Args:
        learner: The network and its losses.
        device: Where its parameters are.
        library: See `network_of`.
    """
    if isinstance(learner.model, MLP) or device.type != "cpu":
        return None
    network = network_of(learner, library)
    if not isinstance(network, Network | NativeConv4):
        return None
    return SideBySide(learner, network, TaskThreads(torch.get_num_threads()))
