"""A run's checkpoints, evaluated by another protocol than at its end. The run itself is not touched."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from engine.acceleration.device import use_device
from engine.config.own_code import use_search_path
from engine.config.record import read_record
from engine.config.resolve import Layer, resolve
from engine.config.toml import config_tables
from engine.data.fit import MisfitError
from engine.errors import ResourceError, UsageError
from engine.evaluation.evaluator import protocol_for
from engine.runs.checkpoints import CheckpointRecord, load_best, load_checkpoint, read_pointer
from engine.runs.directory import RunDirectory
from engine.runs.result import CheckpointName, Measured, Scores
from engine.services.messages import EVALUATE, EvaluateRequest, EvaluationReport, Overrides
from engine.services.server import Handler
from engine.tasks.episode import EpisodeShape
from engine.tasks.sampling import Split
from engine.tasks.sources import verify_data
from engine.training.checkpoint import read_theta, restore
from engine.training.setup import Setup

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

    from engine.algorithms.adapt import Params
    from engine.config.schema import RunConfig
    from engine.runs.events import Protocol


def on_other_data(
    config: RunConfig, data: str, shots: int | None = None, queries: int | None = None
) -> RunConfig:
    """Return a configuration with the tasks of another data set, by its usual class split.

    Args:
        shots: Support examples to measure with, if not those of training.
        queries: Query examples to measure with, if not the usual ones. As nothing is trained there, the data need
            not be enough for the queries of training.

    Raises:
        UsageError: Network or algorithm do not fit that kind of tasks.
    """
    tables = config_tables(config)
    task = {name: value for name, value in tables["task"].items() if name not in ("class_split", "classes")}
    queries = queries or config.evaluation.eval_queries
    task |= {"data": data, "shots": shots or config.task.shots, "queries": queries}
    values = {**tables, "task": task, "evaluation": {**tables["evaluation"], "eval_queries": queries}}
    # Not chosen: what has no effect on the other data is dropped.
    return resolve([Layer("--data", values, chosen=False)]).config


def theta_for_other_data(setup: Setup, payload: bytes) -> Params:
    """Return the parameters in a checkpoint for the tasks of `setup`.

    Raises:
        UsageError: The network that learned them cannot take these inputs.
        ResourceError: The checkpoint is damaged.
    """
    theta = read_theta(payload)
    # A head for training classes (`classes`) is not used on new ones: any size of it will do.
    needed = {
        name: value.shape
        for name, value in setup.learner.model.named_parameters()
        if not name.startswith("classes.")
    }
    if any(name not in theta or theta[name].shape != shape for name, shape in needed.items()):
        size = "x".join(map(str, setup.source.input_shape))
        raise UsageError(
            f"data = {setup.config.task.data} has inputs of {size}, which do not fit the network of this run: "
            "choose data with as many channels and, for conv4-pool, of the same size"
        )
    return {name: value.to(setup.device) for name, value in theta.items()}


_REMEDIES = {
    "classes": "a run is measured with the ways it was trained with, so choose data with more classes",
    "pictures": "lower shots or queries, or choose data with more pictures of a class",
}


def answer(request: EvaluateRequest) -> EvaluationReport:
    """Evaluate a run.

    Raises:
        UsageError: The protocol does not fit the run.
        ResourceError: A checkpoint, the device or the data are missing or damaged.
    """
    run, overrides = RunDirectory(Path(request.run)), request.overrides
    record = read_record(run.config)
    use_search_path(record.search_path)
    config = record.resolved.config
    if overrides.data is not None:
        config = on_other_data(config, overrides.data, overrides.shots, overrides.queries)
    verify_data(config)
    device = use_device(overrides.device or record.device, tf32=config.training.tf32)
    try:
        setup = Setup.build(config, device)
        protocol = protocol_of(overrides, config)
        setup.source.check(EpisodeShape(protocol.ways or 1, protocol.shots, protocol.queries))
    except MisfitError as error:
        raise UsageError(f"{error.found}: {_REMEDIES[error.lacking]}") from error
    if overrides.data is None and record.fingerprint and dict(record.fingerprint) != setup.source.fingerprint:
        raise ResourceError(
            f"run {run.id} was trained on another version of the data or class split than is installed: "
            "restore it (maml data check)"
        )
    measured: list[Measured] = []
    scores: dict[CheckpointName, NDArray[np.float32]] = {}
    for name, stored in _checkpoints(run, overrides, config):
        theta, *others = [_theta(setup, payload, overrides.data) for _, payload in stored]
        iterations = tuple(record.iteration for record, _ in stored)
        curves = setup.measure_by(protocol, theta, others=others)
        measured.append(
            Measured(
                checkpoint=name,
                iteration=iterations[0],
                measurement=curves.summarise(),
                members=iterations if others else (),
            )
        )
        if overrides.scored is not None:
            scores[name] = curves.scores(overrides.scored)
    return EvaluationReport(
        run=run.id,
        measurements=tuple(measured),
        fingerprint=setup.source.fingerprint,
        data=overrides.data,
        scores=None if overrides.scored is None else Scores.of(overrides.scored, scores),
    )


HANDLER = Handler(EVALUATE, answer, "lower queries or shots")


def protocol_of(overrides: Overrides, config: RunConfig) -> Protocol:
    """Return the protocol to evaluate by.

    Raises:
        UsageError: The run cannot be evaluated by it.
    """
    evaluation, split = config.evaluation, Split[overrides.split.upper()]
    usual = protocol_for(config, split, tasks=evaluation.eval_tasks, steps=evaluation.curve_steps)
    names = {"tasks", "steps", "shots", "queries", "seed", "mode"}
    chosen = overrides.model_dump(include=names, exclude_none=True)
    if config.is_regression and "mode" in chosen:
        raise UsageError("a regression network has no batch statistics: leave out the mode")
    protocol = usual.model_copy(update=chosen)
    if overrides.scored is not None and overrides.scored > protocol.steps:
        raise UsageError(f"scored = {overrides.scored} is beyond the last of {protocol.steps} steps")
    return protocol


def _checkpoints(
    run: RunDirectory, overrides: Overrides, config: RunConfig
) -> Iterator[tuple[CheckpointName, list[tuple[CheckpointRecord, bytes]]]]:
    """Yield the checkpoints of each network or ensemble asked for; without validations, the latest in place of best."""
    count, labels = overrides.ensemble or 1, overrides.checkpoint
    if count > 1:
        yield "ensemble", _best(run, count, config)
        return
    if overrides.ensemble == 1:
        labels = ("best",)
    elif labels == ("best", "latest") and read_pointer(run, "best") is None:
        labels = ("latest",)
    for label in labels:
        yield "best" if label == "best" else "last", [load_checkpoint(run, label)]


def _best(run: RunDirectory, count: int, config: RunConfig) -> list[tuple[CheckpointRecord, bytes]]:
    """Return the `count` best checkpoints.

    Raises:
        UsageError: Fewer are kept.
    """
    stored = load_best(run, count)
    if len(stored) == count:
        return stored
    keep = config.training.keep_best
    if keep < count:
        kept = "its best checkpoint only" if keep == 1 else f"its {keep} best checkpoints"
        raise UsageError(
            f"run {run.id} keeps {kept}: for an ensemble of {count} train with keep_best = {count} or more"
        )
    raise UsageError(
        f"run {run.id} has {len(stored)} of its best checkpoints so far, too few for an ensemble of {count}: "
        "choose fewer, or let it train longer"
    )


def _theta(setup: Setup, payload: bytes, data: str | None) -> Params:
    """Return the parameters in a checkpoint, known to fit the tasks of `setup`."""
    if data is None:
        return restore(setup.initial_state(), payload, setup.source.fingerprint).theta
    return theta_for_other_data(setup, payload)
