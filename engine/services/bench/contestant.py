"""One contestant of a benchmark. See `engine.services.bench.race`."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, cast

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from engine.acceleration.by_hand import by_hand
from engine.acceleration.device import device_name, peak_and_total, use_device
from engine.acceleration.ways import choose_way, relative_difference, small_problem
from engine.algorithms.algorithm import Algorithm, build_algorithm, build_learner
from engine.config.resolve import Layer, resolve
from engine.models.build import build_model
from engine.services.bench.peers import build_peer
from engine.services.messages import BENCH, OURS, BenchSetup, BenchTurn, Laps, Ready
from engine.services.server import Handler
from engine.tasks.episode import Episodes, EpisodeShape
from engine.tasks.sources import build_source
from engine.training.recorded import replayed
from engine.training.setup import Setup
from engine.training.state import descend, update

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from engine.algorithms.adapt import Params
    from engine.algorithms.maml import MAML
    from engine.config.schema import RunConfig
    from engine.tasks.sampling import Stream


@dataclass(frozen=True)
class NoiseTasks:
    """The same noise for every number of a task; targets are values for regression, else class columns."""

    input_shape: tuple[int, ...]
    regression: bool
    device: torch.device

    @classmethod
    def like(cls, config: RunConfig, device: torch.device) -> NoiseTasks:
        """Return noise shaped like the tasks of a configuration.

        Raises:
            ResourceError: Its data is not built in, and not installed.
        """
        shape = config.data_entry.input_shape or build_source(config, device).input_shape
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


_PEAK_SIDE = 2048


class Contestant:
    """Takes meta-iterations one way.

    Raises:
        MamlError: It cannot be run here.
    """

    def __init__(self, setup: BenchSetup) -> None:
        algorithm = {"algorithm": "maml" if setup.order == 2 else "fomaml"}
        config = resolve([Layer("preset", setup.config), Layer("order", {"algorithm": algorithm})]).config
        device = use_device(setup.device, tf32=config.training.tf32)
        self._name, self._setup = setup.contestant, _setup(config, device)
        self._state, self._episodes = self._setup.initial_state(), self._setup.episodes(0)
        self._gradient = self._way(self._setup.algorithm)
        self._path, self._take = "loop", self._iterate
        if self._name == OURS:
            taken, replay = replayed(self._setup, self._state)
            self._path, self._take = taken.name, replay.take if replay else self._iterate

    def ready(self) -> Ready:
        """Return what there is to know before the start."""
        setup = self._setup
        small, theta, episodes = small_problem(setup.algorithm, setup.source)
        expected, _ = small.meta_gradient(theta, episodes)
        return Ready(
            path=self._path,
            device=device_name(setup.device),
            cores=torch.get_num_threads(),
            difference=relative_difference(self._way(small)(theta, episodes), expected),
            gigaflop=self._gigaflop(),
            peak=_matmul_speed(setup.device),
        )

    def run(self, iterations: int) -> Laps:
        """Take some meta-iterations, Adam's update included. A GPU is waited for at their end only."""
        together = iterations if self._setup.device.type == "cuda" else 1
        times = [self._now()]
        for _ in range(iterations // together):
            for _ in range(together):
                self._take()
            times.append(self._now())
        memory, _ = peak_and_total(self._setup.device)
        seconds = np.repeat(np.diff(times) / together, together)
        return Laps(seconds=tuple(seconds.tolist()), memory=memory)

    def _iterate(self) -> None:
        clip = self._setup.config.training.grad_clip
        gradient = self._gradient(self._state.theta, self._episodes)
        if self._name == OURS or self._setup.device.type == "cpu":
            update(self._state, gradient, clip)  # waits for the gradient, as training does on this path
        else:
            descend(self._state, gradient, clip)

    def _now(self) -> float:
        if self._setup.device.type == "cuda":
            torch.cuda.synchronize(self._setup.device)
        return time.perf_counter()

    def _way(self, algorithm: Algorithm) -> Callable[[Params, Episodes], Params]:
        if self._name != OURS:
            return build_peer(self._name, cast("MAML", algorithm)).meta_gradient
        way = choose_way(self._setup.config, algorithm, self._setup.source).computation
        return lambda theta, episodes: way.meta_gradient(theta, episodes)[0]

    def _gigaflop(self) -> float:
        """Count the operations in matrix products and convolutions, which are nearly all.

        Counted is one task with one query and with two, as the memory that is measured is not to be the counting's:
        every further query takes as many operations as the second.
        """
        tasks, queries = self._episodes.query_x.shape[:2]
        one, two = (self._operations(few) for few in (1, 2))
        return tasks * (one + (queries - 1) * (two - one)) / 1e9

    def _operations(self, queries: int) -> int:
        """Count those of the first task with its first queries."""
        algorithm, (task, *_) = self._setup.algorithm, self._episodes.split(1)
        few = Episodes(task.support_x, task.support_y, task.query_x[:, :queries], task.query_y[:, :queries])
        # One task at a time works in this thread, where it can be counted.
        way = by_hand(algorithm, 1, recompute=False) or algorithm
        with FlopCounterMode(display=False) as counter:
            way.meta_gradient(self._state.theta, few)
        return int(counter.get_total_flops())


def _setup(config: RunConfig, device: torch.device) -> Setup:
    source = NoiseTasks.like(config, device)
    learner = build_learner(config, build_model(config, source.input_shape)).to(device)
    return Setup(config, device, source, learner, build_algorithm(config, learner))


def _matmul_speed(device: torch.device) -> float:
    """Return the speed of a large float32 matrix product, GFLOP/s: the best of a few."""
    matrix = torch.rand(_PEAK_SIDE, _PEAK_SIDE, device=device)
    seconds = []
    for _ in range(5):
        began = time.perf_counter()
        float((matrix @ matrix)[0, 0])  # waits for it
        seconds.append(time.perf_counter() - began)
    return 2e-9 * _PEAK_SIDE**3 / min(seconds)


class Bench:
    """Makes a contestant of the first question; every further one is a turn of it."""

    _contestant: Contestant

    def answer(self, request: BenchSetup | BenchTurn) -> Ready | Laps:
        """Return what there is to know before the start, or the meta-iterations done."""
        if isinstance(request, BenchSetup):
            self._contestant = Contestant(request)
            return self._contestant.ready()
        return self._contestant.run(request.iterations)


HANDLER = Handler(BENCH, Bench().answer)
