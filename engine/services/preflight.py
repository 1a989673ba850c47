"""Whether a user's own classes can be trained, before a run is made of them. Their code runs."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import torch

from engine.acceleration.device import use_device
from engine.acceleration.ways import small_problem
from engine.algorithms.adapt import Params, recorded_grad
from engine.algorithms.maml import MAML
from engine.config.own_code import use_search_path
from engine.config.record import parse_record
from engine.config.toml import parse_toml
from engine.errors import MamlError, UsageError
from engine.evaluation.evaluator import evaluate, protocol_for
from engine.services.messages import PREFLIGHT, PreflightReport, PreflightRequest
from engine.services.server import Handler
from engine.tasks.custom import CustomTasks
from engine.tasks.sampling import Split, Stream
from engine.tasks.sources import training_shape
from engine.training.setup import Setup

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

    from engine.tasks.episode import Episodes

_STEP = 1e-6
_TOLERANCE = 1e-4


def answer(request: PreflightRequest) -> PreflightReport:
    """Look at a task class, or try a whole configuration.

    Raises:
        UsageError: It cannot work.
        ResourceError: This machine lacks the device or the data.
    """
    use_search_path(request.search_path)
    if request.task_class is not None:
        return PreflightReport(data=CustomTasks.load(request.task_class, torch.device("cpu")).data)
    record = parse_record(parse_toml(request.config, "the configuration"), "the configuration")
    config = record.resolved.config
    setup = Setup.build(config, use_device(record.device))
    if config.model.model_class:
        check_network(setup)
    return PreflightReport(data=config.task.data)


HANDLER = Handler(PREFLIGHT, answer)


def check_network(setup: Setup) -> None:
    """Take one tiny meta-gradient with a person's own network.

    Raises:
        UsageError: It cannot be meta-trained; says why.
    """
    if not any(True for _ in setup.learner.model.parameters()):
        raise UsageError(f"{setup.config.model.model_class} has no parameters, so there is nothing to learn")
    theta = setup.initial_state().theta
    episodes = setup.source.sample(Stream(0, Split.TRAIN), torch.arange(2), training_shape(setup.config))
    _check_outputs(setup, theta, episodes)
    _check_derivatives(setup, theta, episodes)
    _check_batching(setup, theta)


def _check_outputs(setup: Setup, theta: Params, episodes: Episodes) -> None:
    name, buffers, x = setup.config.model.model_class, setup.learner.buffers, episodes.support_x[0]
    before = {buffer: value.clone() for buffer, value in buffers.items()}
    outputs = [_predict(setup, theta, x) for _ in range(2)]
    wanted = [len(x), 1 if setup.config.is_regression else setup.config.task.ways]
    if list(outputs[0].shape) != wanted:
        raise UsageError(
            f"{name} gives outputs of shape {list(outputs[0].shape)} where {wanted} is needed, one row per example: "
            "its __init__ may ask for the number of `outputs`"
        )
    for buffer, value in buffers.items():
        if not torch.equal(before[buffer], value):
            layer = buffer.rpartition(".")[0] or name
            raise UsageError(
                f"{name} changes its buffer {buffer} as it computes, so one task would leak into the next: let {layer} "
                "keep no running statistics (track_running_stats=False)"
            )
    if not torch.equal(*outputs):
        raise UsageError(
            f"{name} gives another output for the same input, as dropout does: a run could be neither resumed nor "
            "compared, so take the randomness out"
        )


def _predict(setup: Setup, theta: Params, x: Tensor) -> Tensor:
    name = setup.config.model.model_class
    with _explained(f"{name} fails on inputs of shape {list(x.shape)}"):
        outputs = setup.learner.predict(theta, x)
    if not isinstance(outputs, torch.Tensor):
        raise UsageError(f"{name} gives a {type(outputs).__name__} where a tensor is needed")
    return outputs


def _check_derivatives(setup: Setup, theta: Params, episodes: Episodes) -> None:
    name, algorithm = setup.config.model.model_class, setup.algorithm
    with _explained(f"{name} cannot be differentiated"):
        gradient = recorded_grad(setup.learner.loss)(theta, episodes.support_x[0], episodes.support_y[0])
    if not any(value.any() for value in gradient.values()):
        raise UsageError(
            f"{name}: no parameter gets a gradient, so nothing would be learned (is its output detached?)"
        )
    twice = f"{name} cannot be differentiated twice, which {setup.config.algorithm.algorithm} needs"
    with _explained(twice, "; fomaml needs it only once"):
        algorithm.meta_gradient(theta, episodes)
    if isinstance(algorithm, MAML) and algorithm.order == 2:
        _check_second_order(setup, algorithm)


def _check_second_order(setup: Setup, maml: MAML) -> None:
    """Compare the meta-gradient with finite differences: a layer may drop second derivatives without a word."""
    examples = min(2, setup.config.task.shots, setup.config.task.queries)
    # One inner step has all the derivatives that several have, and differences of several are less exact.
    once = replace(maml, inner_steps=1)
    algorithm, theta, episodes = small_problem(once, setup.source, examples)
    try:
        gradient, _ = algorithm.meta_gradient(theta, episodes)
        found, expected = _slopes(algorithm, theta, episodes, gradient)
    except RuntimeError:
        return  # a network that computes in float32 alone: too coarse for differences
    if not abs(found - expected) <= _TOLERANCE * max(abs(found), abs(expected)):
        raise UsageError(
            f"{setup.config.model.model_class} cannot be differentiated twice, which maml needs: its meta-gradient is "
            f"{found:.6g} where finite differences give {expected:.6g}; fomaml needs it only once"
        )


def _slopes(algorithm: MAML, theta: Params, episodes: Episodes, gradient: Params) -> tuple[float, float]:
    """Return the slope of the meta-loss along a random direction, by the gradient and by central differences."""
    generator = torch.Generator().manual_seed(0)
    length = sum(value.numel() for value in theta.values()) ** 0.5
    direction = {
        name: torch.randn(value.shape, generator=generator).to(value) / length
        for name, value in theta.items()
    }

    def meta_loss(step: float) -> float:
        moved = {name: value + step * direction[name] for name, value in theta.items()}
        losses = [algorithm.task_loss(moved, *task)[0] for task in zip(*episodes.tensors(), strict=True)]
        return float(torch.stack(losses).mean())

    found = sum(float((gradient[name] * value).sum()) for name, value in direction.items())
    return found, (meta_loss(_STEP) - meta_loss(-_STEP)) / (2 * _STEP)


def _check_batching(setup: Setup, theta: Params) -> None:
    config = setup.config
    protocol = protocol_for(config, Split.VAL, tasks=2, steps=1)
    with _explained(
        f"{config.model.model_class} cannot be batched over tasks by torch.func.vmap, as operations in place, "
        ".item() and branches on values cannot"
    ):
        evaluate(setup.learner, theta, setup.source, protocol, config.algorithm.inner_lr)


@contextmanager
def _explained(what: str, remedy: str = "") -> Iterator[None]:
    """Turn an error of the user's own code into one sentence; an error of ours already is one."""
    try:
        yield
    except MamlError:
        raise
    except Exception as error:
        words = (str(error).strip().splitlines() or [""])[0]
        raise UsageError(f"{what}: {type(error).__name__}: {words}{remedy}") from error
