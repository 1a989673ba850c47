"""Meta-iterations as one CUDA graph: recorded once, replayed without the work of the host.

Sampling, adaptation, meta-gradient and Adam's update launch thousands of small kernels, which costs the host more time
than the GPU. A replay launches all of them at once, on the tensors of the recording.
"""

from __future__ import annotations

import time
import warnings
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import torch

from engine.acceleration.batched import Batched
from engine.acceleration.device import is_out_of_memory
from engine.acceleration.ways import disagreement, few_examples, small_episodes, small_problem
from engine.tasks.custom import CustomTasks
from engine.training.loop import Updated
from engine.training.state import MAX_SKIPPED_IN_A_ROW, TrainingState, descend, fresh_state, hold_to_limit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from torch import Tensor

    from engine.acceleration.ways import MetaGradient, Way
    from engine.tasks.episode import Episodes
    from engine.training.setup import Setup


class Step:
    """One iteration of `engine.training.loop`: sample, adapt, descend. The host learns of it through `read` alone.

    The iteration's number and the counts of what was left out are kept on the device. After too many non-finite
    meta-gradients in a row, a call changes nothing any more, so that calls made before the next `read` do no harm.

    Args:
        state: Parameters and Adam's moments are updated in place by each call, the counts in it by `read`.
        episodes: From an iteration's number (int64 scalar on the device, counted from 0) to its meta-batch.
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
        going, finite = self._in_a_row < MAX_SKIPPED_IN_A_ROW, norm.isfinite()
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
        self._in_a_row.fill_(MAX_SKIPPED_IN_A_ROW)
        yield
        self._in_a_row.copy_(before)


_LOOK_SECONDS = 0.05
"""Time between two looks at the device, which bounds how long a request waits."""

_WARM_UPS = 3


class Replay:
    """Takes iterations and looks at what came of them a few times a second.

    Attributes:
        take: The step, or its recording.
    """

    def __init__(self, step: Step, take: Callable[[], None]) -> None:
        self.take = take
        self._step = step
        self._together = 1

    def advance(self, most: int) -> Updated:
        """Take one iteration or more, but `most` at most, and return the last.

        Raises:
            DivergedError: Too many meta-gradients in a row were not finite.
        """
        count = min(most, self._together)
        began = time.perf_counter()
        for _ in range(count):
            self.take()
        updated = self._step.read()
        self._together = max(1, int(_LOOK_SECONDS * count / (time.perf_counter() - began)))
        return updated


def replayed(setup: Setup, state: TrainingState) -> tuple[Way, Replay | None]:
    """Return how a run's iterations are taken from `state` on, and their recording where there is one.

    On a CUDA device that is a graph, if the fastest way to the meta-gradient can be recorded and the recording agrees
    with the reference. A user's own tasks are made on the CPU, which cannot be recorded.
    """
    way = setup.way
    if (
        setup.device.type != "cuda"
        or isinstance(setup.source, CustomTasks)
        or not isinstance(way.computation, Batched)
    ):
        return way, None
    defect, replay = _recorded(setup, state, way.computation)
    if replay is not None:
        return replace(way, name=f"{way.name}-graph"), replay
    return replace(
        way, warnings=(*way.warnings, f"the fast path {way.name}-graph is not used: {defect}")
    ), None


def _recorded(setup: Setup, state: TrainingState, way: Batched) -> tuple[str | None, Replay | None]:
    """Return what is wrong with a recording, or the recording."""
    try:
        if defect := _defect(setup, way):
            return defect, None
        step = Step(state, way, setup.episodes, setup.config.training.grad_clip)
        return None, Replay(step, record(step, setup.device))
    except RuntimeError as error:
        if is_out_of_memory(error):
            raise
        return f"it cannot be recorded here ({str(_first(error)).splitlines()[0]})", None


def _first(error: BaseException) -> BaseException:
    """Return the error that all began with: the end of a recording that failed is another."""
    return error if error.__context__ is None else _first(error.__context__)


def _defect(setup: Setup, way: Batched) -> str | None:
    """Say what is wrong with recorded iterations of a small problem in float64; None if nothing is."""
    examples = few_examples(setup.config)
    algorithm, theta, _ = small_problem(setup.algorithm, setup.source, examples)

    def episodes(iteration: int | Tensor) -> Episodes:
        return small_episodes(setup.source, examples, iteration)

    step = Step(
        fresh_state(theta, setup.config.training.meta_lr), replace(way, algorithm=algorithm), episodes, 0.0
    )
    take = record(step, setup.device)
    # The second one shows that a replay goes on: with the next tasks, from the parameters the first has left.
    for iteration in range(2):
        expected, _ = algorithm.meta_gradient(theta, episodes(iteration))
        take()
        found = {name: value.grad for name, value in theta.items() if value.grad is not None}
        if defect := disagreement(found, expected):
            return defect
    return None


@contextmanager
def _without_waiting() -> Iterator[None]:
    """Refuse what waits for the device: found out while recording, it would leave memory that nothing gives back."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that this is a prototype, which may not find everything
        torch.cuda.set_sync_debug_mode("error")
    try:
        yield
    finally:
        torch.cuda.set_sync_debug_mode("default")


def record(step: Step, device: torch.device) -> Callable[[], None]:
    """Return a function that takes an iteration as `step` does, recorded as a CUDA graph.

    The state is left as it is. The graph keeps the memory it works in to itself, so what is computed between replays
    does not disturb it.

    Raises:
        RuntimeError: The step does what cannot be recorded, such as to wait for a value.
    """
    graph = torch.cuda.CUDAGraph()
    stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
    stream.wait_stream(torch.cuda.current_stream(device))
    with torch.cuda.stream(stream), step.idle():
        # Libraries set themselves up at first use, which cannot be recorded.
        for _ in range(_WARM_UPS):
            step()
        with _without_waiting():
            step()
        with torch.cuda.graph(graph, stream=stream):
            step()
    torch.cuda.current_stream(device).wait_stream(stream)
    return graph.replay
