"""What the GPU checks use of the engine's mathematics and of its services; the other files here go through this one."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import torch
from measure import DEVICE, DRY, GPU

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from engine.acceleration.batched import Batched
from engine.acceleration.by_hand import by_hand
from engine.acceleration.ways import relative_difference, small_problem
from engine.algorithms.algorithm import QueryMetrics, build_algorithm, build_learner
from engine.algorithms.maml import FOMAML, MAML
from engine.config.presets import load_preset
from engine.config.resolve import override_layer, resolve
from engine.config.toml import config_tables
from engine.models.build import build_model
from engine.models.conv4 import BatchNorm, Conv4Pool, Conv4Stride
from engine.services.bench.contestant import NoiseTasks
from engine.services.bench.race import race
from engine.services.messages import OURS, PEERS, BenchSetup
from engine.tasks.episode import Episodes
from engine.training.recorded import Step, record, replayed
from engine.training.setup import Setup

EPSILON = BatchNorm.epsilon
CONTESTANTS = (OURS, PEERS[0])

WORKLOADS = {  # name: preset and overrides
    "W1q1": ("omniglot-5w1s", ["queries=1"]),
    "W1q15": ("omniglot-5w1s", ["queries=15"]),
    "W2": ("miniimagenet-5w1s", ["queries=15"]),
    "W3": ("sinusoid-10shot", []),
}
_TINY = {  # the same in a dry run
    "W1q1": ["meta_batch_size=2", "filters=3", "ways=2"],
    "W1q15": ["meta_batch_size=2", "filters=3", "ways=2", "queries=2"],
    "W2": ["meta_batch_size=2", "filters=2", "ways=2", "queries=1", "inner_steps=2"],
    "W3": ["meta_batch_size=3", "hidden=[6,6]"],
}
_TINY_SHAPES = {"miniimagenet": (3, 16, 16), "omniglot": (1, 16, 16)}


def configure(preset, overrides):
    """Return the checked configuration of a preset with `key=value` overrides."""
    return resolve([load_preset(preset).layer, override_layer(overrides)]).config


def configure_workload(workload, *overrides):
    """Return the configuration of a workload, a tiny one in a dry run."""
    preset, own = WORKLOADS[workload]
    return configure(preset, [*own, *(_TINY[workload] if DRY else []), *overrides])


def noise_setup(config):
    """Return a `Setup` whose tasks are noise of the configuration's shapes: no data set is needed."""
    shape = _TINY_SHAPES.get(config.task.data) if DRY else None
    source = NoiseTasks(shape, False, DEVICE) if shape else NoiseTasks.like(config, DEVICE)
    learner = build_learner(config, build_model(config, source.input_shape)).to(DEVICE)
    return Setup(config, DEVICE, source, learner, build_algorithm(config, learner))


def bench_row(config, contestant, order):
    """Return what `maml bench` measures of one contestant, in a process of its own, by field."""
    setup = BenchSetup(config=config_tables(config), order=order, contestant=contestant, device=str(DEVICE))
    (row,) = race([setup], config.training.meta_batch_size, lambda words: None)
    return row.model_dump()


def reference(setup):
    """Return a small problem in float64 for a setup: algorithm, theta, episodes, and its meta-gradient by the loop."""
    algorithm, theta, episodes = small_problem(setup.algorithm, setup.source, 2)
    return algorithm, theta, episodes, algorithm.meta_gradient(theta, episodes)[0]


def difference(found, expected) -> float:
    """Return the norm of the difference of two gradients relative to that of the second; devices may differ."""
    return relative_difference(
        {name: value.to(expected[name].device) for name, value in found.items()}, expected
    )


def batched(algorithm, chunk=0, *, recompute=False):
    """Return the implementation of the meta-gradient that the product uses on a GPU."""
    return Batched(algorithm, chunk, recompute)


def written_out(algorithm):
    """Return the product's written-out derivatives, by which `maml bench` counts operations; None if there are none."""
    return by_hand(algorithm, 1, recompute=False)


def to_dtype(values, dtype):
    """Return parameters or episodes with every floating-point tensor in `dtype`."""
    if isinstance(values, Episodes):
        return Episodes(*(v.to(dtype) if v.is_floating_point() else v for v in values.tensors()))
    return {name: value.to(dtype) for name, value in values.items()}


def step_of(setup, state, way):
    """Return one meta-iteration of a setup as a callable: sampling, meta-gradient by `way`, norm, Adam."""
    return Step(state, way, setup.episodes, setup.config.training.grad_clip)


def recorded(step):
    """Return the step as a CUDA graph; the step itself without a GPU."""
    return record(step, DEVICE) if GPU else step


def recorded_run(setup, state):
    """Return how a run takes its iterations: name of the implementation, warnings, the replay (None without one)."""
    way, replay = replayed(setup, state)
    return way.name, way.warnings, replay


def chosen_way(setup):
    """Return what a run of this setup computes the meta-gradient with, compared with the reference beforehand."""
    return setup.way.computation


@dataclass(frozen=True)
class Recipe:
    """What the prototype must know of an algorithm on Conv4.

    Attributes:
        pool: Whether the network pools (stride 1), else its convolutions have stride 2.
        divisor: A task's loss is the sum over its examples divided by this; None for the mean.
        adapted: Names of the parameters that the inner loop adapts.
        inner_lr: alpha.
        inner_steps: Number of gradient steps.
        second_order: Whether the meta-gradient goes through the inner steps.
    """

    pool: bool
    divisor: float | None
    adapted: frozenset[str]
    inner_lr: float
    inner_steps: int
    second_order: bool
    _learner: object

    @classmethod
    def of(cls, algorithm):
        """Return the recipe of an algorithm; None if the prototype does not implement it."""
        learner = algorithm.learner
        if type(algorithm) not in (MAML, FOMAML) or type(learner.model) not in (Conv4Stride, Conv4Pool):
            return None
        return cls(
            pool=type(learner.model) is Conv4Pool,
            divisor=learner.divisor,
            adapted=learner.adapted,
            inner_lr=algorithm.inner_lr,
            inner_steps=algorithm.inner_steps,
            second_order=algorithm.order == 2,
            _learner=learner,
        )

    def metrics(self, outputs, targets):
        """Return the query metrics of outputs `[examples, classes]`."""
        losses = self._learner.example_losses(outputs, targets)
        return QueryMetrics(losses.mean(), self._learner.correct(outputs, targets).mean())


def set_deterministic(on: bool) -> None:
    """Make cuDNN take algorithms that give the same bits again, as the product does, or the fastest ones."""
    torch.backends.cudnn.deterministic = on
