"""The ways to compute the meta-gradient on this device, each compared with the reference before it is taken."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeVar

import torch

from engine.acceleration.batched import Batched
from engine.acceleration.by_hand import ByHand, by_hand
from engine.acceleration.device import give_back_freed_memory
from engine.acceleration.native.library import Library, UnavailableError, library
from engine.acceleration.threads import ONE_CORE_NUMBERS
from engine.algorithms.algorithm import Algorithm, QueryMetrics, implementation
from engine.algorithms.maml import FOMAML, MAML
from engine.models.conv4 import Conv4Pool, Conv4Stride
from engine.models.mlp import MLP
from engine.tasks.episode import Episodes, EpisodeShape, TaskSource
from engine.tasks.sampling import Split, Stream

if TYPE_CHECKING:
    from torch import Tensor, nn

    from engine.algorithms.adapt import Params
    from engine.config.schema import RunConfig


# What training takes by PyTorch in some ten seconds; compiling takes about six for the convolutions, one for the MLP.
_WORTH_COMPILING = 1e12
_ITERATIONS_WORTH_COMPILING = 10_000

_MIN_FILTERS = 8  # filters in a vector of the least of processors


def native_code(config: RunConfig, model: nn.Module, input_shape: tuple[int, ...]) -> Library | None:
    """Return the native code if a run's network is one it is made for, and training is worth compiling it.

    The answer depends on configuration and machine alone, so that a run is resumed and measured by the same code.

    Raises:
        UnavailableError: It cannot be compiled or loaded here.
    """
    if type(model) is MLP:
        small = sum(value.numel() for value in model.parameters()) <= ONE_CORE_NUMBERS
        worth = small and config.is_regression and config.training.iterations >= _ITERATIONS_WORTH_COMPILING
        return library("mlp") if worth else None
    ours = type(model) in (Conv4Stride, Conv4Pool) and config.model.filters % _MIN_FILTERS == 0
    ours &= implementation(config) in (MAML, FOMAML)
    worth = ours and _operations(config, model, input_shape) >= _WORTH_COMPILING
    return library("conv4") if worth else None


def _operations(config: RunConfig, model: nn.Module, input_shape: tuple[int, ...]) -> float:
    """Return about how many multiplications and additions training takes: a gradient is three times the outputs."""
    task, algorithm, training = config.task, config.algorithm, config.training
    steps = algorithm.inner_steps * (3 if implementation(config) is MAML else 1)
    pictures = (
        task.ways * (task.shots * steps + task.queries) * training.meta_batch_size * training.iterations
    )
    stride = 2 if type(model) is Conv4Stride else 1
    _, height, width = input_shape
    once = 0
    for weight in model.parameters():
        if weight.dim() == 4:
            height, width = -(-height // stride), -(-width // stride)
            once += 2 * weight.numel() * height * width
            if stride == 1:
                height, width = height // 2, width // 2
    return 3.0 * once * pictures


TOLERANCE = 1e-10
"""Largest difference from the reference in float64, relative to the norm of the meta-gradient."""

_MAX_KEPT_STEPS = 5


class MetaGradient(Protocol):
    """A way to compute the meta-gradient."""

    def meta_gradient(self, theta: Params, episodes: Episodes) -> tuple[Params, QueryMetrics]:
        """Return the meta-gradient and metrics; see `engine.algorithms.algorithm.Algorithm.meta_gradient`."""


@dataclass(frozen=True)
class Way:
    """The way chosen.

    Attributes:
        name: What it is called in the run's header.
        warnings: Why faster ones were left out, a sentence each; empty as a rule.
        library: The native code if that is the way: networks are evaluated by it, too.
    """

    name: str
    computation: MetaGradient
    warnings: tuple[str, ...] = ()
    library: Library | None = None


SomeAlgorithm = TypeVar("SomeAlgorithm", bound="Algorithm")

Builder = Callable[["Algorithm"], MetaGradient | None]
"""From an algorithm to a way to compute it; None if it is not made for that algorithm or its network."""


def choose_way(config: RunConfig, algorithm: Algorithm, source: TaskSource) -> Way:
    """Return the fastest way that is made for the algorithm, runs here and agrees with the reference in float64."""
    way = _fastest(config, algorithm, source)
    give_back_freed_memory()  # the reference takes more than training, in pieces of other sizes
    return way


def _fastest(config: RunConfig, algorithm: Algorithm, source: TaskSource) -> Way:
    warnings: list[str] = []
    small, theta, episodes = small_problem(algorithm, source, few_examples(config))
    for name, build in ways(config, source).items():
        try:
            way, trial = build(algorithm), build(small)
        except UnavailableError as error:
            warnings.append(f"the fast path {name} is not used: {error}")
            continue
        if way is None or trial is None:
            continue
        defect = _defect(trial, small, theta, episodes)
        if defect is None:
            library = way.network.library if isinstance(way, ByHand) else None
            return Way(name, way, tuple(warnings), library)
        warnings.append(f"the fast path {name} is not used: {defect}")
    return Way("loop", algorithm, tuple(warnings))


def few_examples(config: RunConfig) -> int:
    """Return the size of the small problem: two examples where there are two, as a network may normalise over them."""
    return min(2, config.task.shots, config.task.queries)


def ways(config: RunConfig, source: TaskSource) -> dict[str, Builder]:
    """Return the ways of a source's device by name, fastest first, with the configuration's memory settings."""
    chunk, recompute = config.training.task_chunk, recomputes(config)

    def native(algorithm: Algorithm) -> MetaGradient | None:
        code = native_code(config, algorithm.learner.model, source.input_shape)
        return None if code is None else by_hand(algorithm, chunk, recompute=recompute, library=code)

    def written_out(algorithm: Algorithm) -> MetaGradient | None:
        return by_hand(algorithm, chunk, recompute=recompute)

    def batched(algorithm: Algorithm) -> MetaGradient:
        return Batched(algorithm, chunk, recompute)

    if source.device.type == "cuda":
        return {"vmap": batched}
    return {"native": native, "by-hand": written_out, "vmap": batched}


def recomputes(config: RunConfig) -> bool:
    """Tell whether the intermediate values of the inner steps are computed again rather than kept."""
    choice = config.training.checkpoint_inner
    return choice == "on" or (choice == "auto" and config.algorithm.inner_steps > _MAX_KEPT_STEPS)


def relative_difference(found: Params, expected: Params) -> float:
    """Return the norm of the difference of two gradients, relative to that of the second."""

    def norm(values: list[Tensor]) -> float:
        return float(torch.cat([value.flatten().double() for value in values]).norm())

    return norm([found[name] - value for name, value in expected.items()]) / (
        norm([*expected.values()]) or 1.0
    )


def _defect(way: MetaGradient, algorithm: Algorithm, theta: Params, episodes: Episodes) -> str | None:
    """Say what is wrong with a way, having compared it with the reference; None if nothing is."""
    try:
        found, _ = way.meta_gradient(theta, episodes)
    except (RuntimeError, TypeError, ValueError, AttributeError) as error:
        # Another PyTorch, whose operators differ, or a network that needs more examples.
        return f"it cannot run here ({str(error).splitlines()[0]})"
    return disagreement(found, algorithm.meta_gradient(theta, episodes)[0])


def disagreement(found: Params, expected: Params) -> str | None:
    """Say by how much a meta-gradient in float64 is off the reference's; None if by no more than rounding."""
    difference = relative_difference(found, expected)
    if difference <= TOLERANCE:
        return None
    return f"its meta-gradient differs from the reference's by {difference:.1e} of its norm in float64"


def small_problem(
    algorithm: SomeAlgorithm, source: TaskSource, examples: int = 1
) -> tuple[SomeAlgorithm, Params, Episodes]:
    """Return a problem in float64 with the run's own network and data: two tasks, two inner steps at most."""
    generator = torch.Generator().manual_seed(0)
    theta = {
        # Noise, so that no derivative is zero because a parameter is.
        name: (value.detach() + 0.1 * torch.randn(value.shape, generator=generator))
        .to(source.device)
        .double()
        for name, value in algorithm.learner.model.named_parameters()
    }
    small = algorithm.scaled_down(algorithm.learner.to(torch.float64))
    return small, theta, small_episodes(source, examples, 0)


def small_episodes(source: TaskSource, examples: int, iteration: int | Tensor) -> Episodes:
    """Return the meta-batch of the small problem in an iteration: two tasks of two classes, in float64."""
    shape = EpisodeShape(ways=2, shots=examples, queries=examples)
    tasks = torch.arange(2, device=source.device) + 2 * iteration
    sampled = source.sample(Stream(0, Split.TRAIN), tasks, shape)
    return Episodes(*(part.double() if part.is_floating_point() else part for part in sampled.tensors()))
