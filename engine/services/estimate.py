"""What a run would cost, measured in a few seconds without making a run."""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from engine.acceleration.device import TRAINING_REMEDY, device_name, peak_and_total, use_device
from engine.config.own_code import current_search_path, use_search_path
from engine.config.resolve import Layer, resolve
from engine.services.messages import ESTIMATE, Costs, EstimateRequest
from engine.services.server import Handler
from engine.training.checkpoint import to_bytes
from engine.training.loop import Updated, Validated, meta_train
from engine.training.recorded import replayed
from engine.training.reporting import Reporter
from engine.training.setup import Setup

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import torch
    from numpy.typing import NDArray

    from engine.algorithms.adapt import Params
    from engine.config.schema import RunConfig
    from engine.training.state import TrainingState

_WARM_UP_SECONDS = 0.5
_TRAINING_SECONDS = 3.0
_MIN_ITERATIONS = 2
_VALIDATION_SECONDS = 0.5
_MIN_TASKS, _GROWTH = 2, 4


def answer(request: EstimateRequest) -> Costs:
    """Estimate the run of a configuration.

    Raises:
        MamlError: It is not sound; otherwise as `estimate`.
    """
    config = resolve([Layer("the configuration", request.config)]).config
    use_search_path(current_search_path() if config.own_classes else ())
    return estimate(config, use_device(request.device, tf32=config.training.tf32))


HANDLER = Handler(ESTIMATE, answer, TRAINING_REMEDY)


def estimate(
    config: RunConfig, device: torch.device, clock: Callable[[], float] = time.perf_counter
) -> Costs:
    """Train for some seconds, validate on some tasks, and tell what all of `config` would take on `device`.

    Raises:
        ResourceError: The data set is not installed.
        UsageError: Data, network and episode size do not fit together.
        DivergedError: The meta-gradients are not finite from the start.
    """
    endless = config.training.model_copy(update={"iterations": sys.maxsize, "eval_every": 0, "patience": 0})
    setup = Setup.build(config, device)
    state, reporter = setup.initial_state(), Reporter(config)
    training = meta_train(setup, state, replayed(setup, state)[1], training=endless)
    _laps(training, state, clock, _WARM_UP_SECONDS, 1)
    laps = _laps(training, state, clock, _TRAINING_SECONDS, _MIN_ITERATIONS)
    reporter.forecast.iterations.add(float(laps.sum()), len(laps))
    tasks, seconds = _time_validation(setup, state.theta, clock)
    reporter.evaluated(seconds, tasks, config.evaluation.eval_steps)
    peak, total = peak_and_total(device)
    return Costs(
        device=str(device),
        device_name=device_name(device),
        iterations_per_second=1 / float(np.median(laps)),
        iterations_per_second_p90=1 / float(np.quantile(laps, 0.9)),
        memory_peak=peak,
        memory_total=total,
        seconds=reporter.seconds_left(setup.initial_state()),
        parameters=sum(value.numel() for value in state.theta.values()),
        checkpoint_bytes=len(to_bytes(state, setup.source.fingerprint)),
    )


def _laps(
    training: Iterator[Updated | Validated],
    state: TrainingState,
    clock: Callable[[], float],
    seconds: float,
    fewest: int,
) -> NDArray[np.float64]:
    """Train for `seconds`, but `fewest` iterations at least; return the seconds of each, `[iterations]`."""
    times, iterations = [clock()], [state.iteration]
    while state.iteration < iterations[0] + fewest or times[-1] < times[0] + seconds:
        next(training)  # waits for the gradient's norm, so for all that was computed
        times.append(clock())
        iterations.append(state.iteration)
    counts = np.diff(iterations)
    return np.repeat(np.diff(times) / counts, counts)


def _time_validation(setup: Setup, theta: Params, clock: Callable[[], float]) -> tuple[int, float]:
    """Validate on more and more tasks until it takes a while; return how many and the seconds they took."""
    most = setup.config.evaluation.val_tasks
    tasks = _MIN_TASKS
    while True:
        evaluation = setup.config.evaluation.model_copy(update={"val_tasks": tasks})
        fewer = replace(setup, config=setup.config.model_copy(update={"evaluation": evaluation}))
        vars(fewer)["way"] = setup.way  # chosen already, which is not to be timed
        began = clock()
        fewer.validate(theta)
        seconds = clock() - began
        if tasks == most or seconds >= _VALIDATION_SECONDS:
            return tasks, seconds
        tasks = min(most, tasks * _GROWTH)
