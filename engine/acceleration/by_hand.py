"""The meta-gradient of the program's own networks with every derivative written out.

With theta_k the parameters after k inner steps and g the gradient of the query loss with respect to the last of them,
the chain rule through the steps theta_(k+1) = theta_k - alpha grad L(theta_k) reads, from the last step to the first,

    g <- g - alpha H(theta_k) g

where H is the Hessian of the support loss. The query loss, most of the arithmetic, is differentiated only once, and
nothing but the intermediate values of the inner steps is kept; with `recompute` not even those.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from engine.acceleration.native.conv4 import NativeConv4
from engine.acceleration.networks import AnyNetwork, AnyTrace, Network, network_of, support_gradient
from engine.acceleration.threads import ONE_CORE_NUMBERS, Result, TaskThreads
from engine.algorithms.adapt import FusedGradientStep, Params, adapt
from engine.algorithms.algorithm import Algorithm, QueryMetrics
from engine.algorithms.maml import FOMAML, MAML
from engine.algorithms.pretrained import Pretrained, Scratch
from engine.models.mlp import MLP

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from torch import Tensor

    from engine.acceleration.native.library import Library
    from engine.algorithms.learner import Learner
    from engine.tasks.episode import Episodes


ALGORITHMS = (MAML, FOMAML, Pretrained, Scratch)
"""What this way of computing is made for."""

_TOGETHER = 1024
"""Tasks in one operation, at most: enough to hide what an operation costs beside its arithmetic."""


@dataclass(frozen=True)
class ByHand:
    """The algorithms of `ALGORITHMS` without automatic differentiation.

    Attributes:
        network: That of the algorithm's learner, derivatives included.
        threads: Where portions of the meta-batch are worked on.
        together: Tasks in one operation; None for single tasks, one a thread.
        recompute: Whether the intermediate values of the inner steps are computed again rather than kept.
    """

    algorithm: Algorithm
    network: AnyNetwork
    threads: TaskThreads
    together: int | None
    recompute: bool

    def meta_gradient(self, theta: Params, episodes: Episodes) -> tuple[Params, QueryMetrics]:
        """Return what the algorithm's own `meta_gradient` does, but for rounding."""
        if isinstance(self.algorithm, Pretrained):
            episodes = episodes.pooled()
        # In one of the threads too: what PyTorch shares among cores leaves them waiting for more when it is done.
        (start,) = self.threads.map(self.network.laid_out, [theta])
        parts = self.threads.map(lambda portion: self._total(start, *portion), self._portions(episodes))
        gradients, outputs = zip(*parts, strict=True)
        tasks = len(episodes.support_x)
        # Parameter by parameter, and in the order of the tasks, whatever the number of threads.
        means = self.threads.map(lambda name: _mean([one[name] for one in gradients], tasks), start)
        (gradient,) = self.threads.map(self.network.named, [dict(zip(start, means, strict=True))])
        return gradient, self._metrics(torch.cat(outputs), episodes.query_y)

    def _portions(self, episodes: Episodes) -> Iterator[tuple[Tensor, ...]]:
        if self.together is None:
            return zip(*episodes.tensors(), strict=True)
        return (portion.tensors() for portion in episodes.split(self.together))

    @torch.no_grad()  # said here because every thread has a mode of its own
    def _total(
        self, theta: Params, support_x: Tensor, support_y: Tensor, query_x: Tensor, query_y: Tensor
    ) -> tuple[Params, Tensor]:
        """Return the meta-gradient's sum over the tasks given, and the outputs for their queries."""
        network, support = self.network, (self.network.examples(support_x), support_y)
        step_size, steps, order = _inner_loop(self.algorithm)
        traces: list[AnyTrace] = []
        gradient = support_gradient(network, None if self.recompute or order == 1 else traces)
        starts = list(adapt(gradient, theta, support, FusedGradientStep(step_size), steps))
        query = network.trace(starts.pop(), network.examples(query_x), query_y)
        g = query.gradient
        while starts and order == 2:
            params = starts.pop()
            trace = traces.pop() if traces else network.trace(params, *support)
            product = trace.hessian_product(g)
            g = {
                name: torch.sub(_summed_like(params[name], value), product[name], alpha=step_size)
                for name, value in g.items()
            }
        return {name: _summed_like(theta[name], value) for name, value in g.items()}, query.outputs

    def _metrics(self, outputs: Tensor, targets: Tensor) -> QueryMetrics:
        learner = self.algorithm.learner
        outputs, targets = outputs.flatten(0, -2), targets.flatten(0, 1)
        losses = learner.example_losses(outputs, targets)
        return QueryMetrics(losses.mean(), learner.correct(outputs, targets).mean())


def by_hand(
    algorithm: Algorithm, task_chunk: int, *, recompute: bool, library: Library | None = None
) -> ByHand | None:
    """Return the algorithm with its derivatives written out, or None if it or its network is not one of ours.

    Args:
        task_chunk: The most tasks at a time; 0 for as many as is fast.
        recompute: See `ByHand`.
        library: See `network_of`.
    """
    learner = algorithm.learner
    network = network_of(learner, library)
    if network is None or type(algorithm) not in ALGORITHMS:
        return None
    if isinstance(learner.model, MLP):
        numbers = sum(value.numel() for value in learner.model.parameters())
        threads = TaskThreads(1, cores=None if numbers > ONE_CORE_NUMBERS else 1)
        return ByHand(algorithm, network, threads, task_chunk or _TOGETHER, recompute)
    cores = torch.get_num_threads()
    return ByHand(algorithm, network, TaskThreads(min(cores, task_chunk or cores)), None, recompute)


def _inner_loop(algorithm: Algorithm) -> tuple[float, int, int]:
    """Return alpha, the number of steps and the order of the gradient; the baselines of `ALGORITHMS` take no step."""
    if isinstance(algorithm, MAML):
        return algorithm.inner_lr, algorithm.inner_steps, algorithm.order
    return 0.0, 0, 1


def _summed_like(parameter: Tensor, gradient: Tensor) -> Tensor:
    """Sum a gradient over tasks where they share the parameter."""
    return gradient.sum(0) if gradient.dim() > parameter.dim() else gradient


@torch.no_grad()
def _mean(parts: Sequence[Tensor], tasks: int) -> Tensor:
    """Return the sum of `parts`, each over some of the tasks and not needed any more, divided by the tasks."""
    total = parts[0]
    for part in parts[1:]:
        total += part
    return total.div_(tasks)


@dataclass(frozen=True)
class SideBySide:
    """A convolutional network, derivatives included, that adapts to a task a thread."""

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
            step_size: alpha.
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
        for after in adapt(
            support_gradient(self.network), params, support, FusedGradientStep(step_size), steps
        ):
            yield self.network.outputs(after, queries)


def side_by_side(learner: Learner, device: torch.device, library: Library | None = None) -> SideBySide | None:
    """Return a fast way to adapt a learner to many tasks, or None where batching them is as good or the only way."""
    if isinstance(learner.model, MLP) or device.type != "cpu":
        return None
    network = network_of(learner, library)
    if not isinstance(network, Network | NativeConv4):
        return None
    return SideBySide(learner, network, TaskThreads(torch.get_num_threads()))
