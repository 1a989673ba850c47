"""`python -m engine.services.evaluate RUNDIR [OVERRIDES]`: measure a run's checkpoints by a protocol of one's own.

OVERRIDES is a JSON object; what it leaves out is taken from the run's configuration. Writes one JSON object, an
`engine.services.messages.Report`, to stdout. The run itself is not touched.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from engine.acceleration.device import use_device
from engine.acceleration.memory import explain_out_of_memory
from engine.config.own_code import use_search_path
from engine.config.record import read_record
from engine.config.resolve import Layer, resolve
from engine.config.schema import MAX_KEPT
from engine.config.toml import config_tables
from engine.data.fit import MisfitError
from engine.errors import MamlError, ResourceError, UsageError
from engine.evaluation.evaluator import protocol_for
from engine.runs.checkpoints import load_best, load_checkpoint, read_pointer
from engine.runs.directory import RunDirectory
from engine.runs.result import Measured, Scores
from engine.services.messages import Report
from engine.tasks.episode import EpisodeShape
from engine.tasks.sampling import Split
from engine.tasks.sources import verify_data
from engine.training.checkpoint import read_theta, restore
from engine.training.setup import Setup

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from engine.algorithms.adapt import Params
    from engine.config.schema import RunConfig
    from engine.runs.checkpoints import CheckpointRecord, Label
    from engine.runs.events import Protocol
    from engine.runs.result import CheckpointName


def on_other_data(
    config: RunConfig, data: str, shots: int | None = None, queries: int | None = None
) -> RunConfig:
    """Return a configuration with the tasks of another data set, by its usual class split.

    Args:
        config: What was trained.
        data: The other data set.
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


class Overrides(BaseModel):
    """What to measure differently than the run's configuration says; None for no difference.

    Where `scored` names an inner step, every task's value of the metric after it is reported too. Where `ensemble`
    is a number, so many of the best checkpoints are measured together, and no other.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    data: str | None = None
    checkpoint: tuple[Literal["best", "latest"], ...] = ("best", "latest")
    device: str | None = None
    split: Literal["val", "test"] = "test"
    tasks: int | None = Field(default=None, ge=2, le=10_000_000)
    steps: int | None = Field(default=None, ge=0, le=1000)
    shots: int | None = Field(default=None, ge=1, le=1000)
    queries: int | None = Field(default=None, ge=1, le=1000)
    seed: int | None = Field(default=None, ge=0, lt=2**31)
    mode: Literal["transductive", "inductive"] | None = None
    scored: int | None = Field(default=None, ge=0, le=1000)
    ensemble: int | None = Field(default=None, ge=1, le=MAX_KEPT)

    def protocol(self, config: RunConfig) -> Protocol:
        """Return the protocol to measure by."""
        evaluation = config.evaluation
        usual = protocol_for(
            config, Split[self.split.upper()], tasks=evaluation.eval_tasks, steps=evaluation.curve_steps
        )
        chosen = self.model_dump(
            include={"tasks", "steps", "shots", "queries", "seed", "mode"}, exclude_none=True
        )
        if config.is_regression and "mode" in chosen:
            raise UsageError("a regression network has no batch statistics: leave out the mode")
        protocol = usual.model_copy(update=chosen)
        if self.scored is not None and self.scored > protocol.steps:
            raise UsageError(f"scored = {self.scored} is beyond the last of {protocol.steps} steps")
        return protocol


class _Network(NamedTuple):
    """What is measured: the parameters of one network, or of several that predict together."""

    name: CheckpointName
    iterations: tuple[int, ...]
    thetas: tuple[Params, ...]


def main(arguments: list[str]) -> int:
    """Measure and print; return the exit code."""
    try:
        run = RunDirectory(Path(arguments[0]).absolute())
        overrides = _overrides(arguments[1:])
        with explain_out_of_memory("lower queries or shots"):
            print(_measure(run, overrides).model_dump_json())
    except MamlError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


def _overrides(arguments: list[str]) -> Overrides:
    try:
        return Overrides.model_validate_json(arguments[0] if arguments else "{}")
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = ".".join(map(str, first["loc"]))
        reason = first["msg"].replace("Input should be", "must be")
        raise UsageError(f"{name} = {first['input']!r}: {reason}") from error


def _measure(run: RunDirectory, overrides: Overrides) -> Report:
    record = read_record(run.config)
    use_search_path(record.search_path)
    config = record.resolved.config
    if overrides.data is not None:
        config = on_other_data(config, overrides.data, overrides.shots, overrides.queries)
    verify_data(config)
    device = use_device(overrides.device or record.device, tf32=config.training.tf32)
    try:
        setup = Setup.build(config, device)
        protocol = overrides.protocol(config)
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
    for network in _networks(run, overrides, setup):
        theta, *others = network.thetas
        curves = setup.measure_by(protocol, theta, others=others)
        measured.append(
            Measured(
                checkpoint=network.name,
                iteration=network.iterations[0],
                measurement=curves.summarise(),
                members=network.iterations if others else (),
            )
        )
        if overrides.scored is not None:
            scores[network.name] = curves.scores(overrides.scored)
    return Report(
        run=run.id,
        measurements=tuple(measured),
        fingerprint=setup.source.fingerprint,
        data=overrides.data,
        scores=None if overrides.scored is None else Scores.of(overrides.scored, scores),
    )


def _networks(run: RunDirectory, overrides: Overrides, setup: Setup) -> Iterator[_Network]:
    """Yield what was asked for, one after the other."""
    count = overrides.ensemble or 1
    if count > 1:
        yield _network("ensemble", _best(run, count, setup.config), setup, overrides.data)
        return
    for label in _labels(run, overrides):
        name: CheckpointName = "best" if label == "best" else "last"
        yield _network(name, [load_checkpoint(run, label)], setup, overrides.data)


def _network(
    name: CheckpointName, stored: Sequence[tuple[CheckpointRecord, bytes]], setup: Setup, data: str | None
) -> _Network:
    iterations = tuple(record.iteration for record, _ in stored)
    return _Network(name, iterations, tuple(_theta(setup, payload, data) for _, payload in stored))


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
        "choose fewer, or let it go on"
    )


def _labels(run: RunDirectory, overrides: Overrides) -> list[Label]:
    """Return the checkpoints asked for; without validations a run has no best one, and the latest must do."""
    if overrides.ensemble == 1:
        return ["best"]
    if overrides.checkpoint == ("best", "latest") and read_pointer(run, "best") is None:
        return ["latest"]
    return list(overrides.checkpoint)


def _theta(setup: Setup, payload: bytes, data: str | None) -> Params:
    """Return the parameters in a checkpoint, known to fit the tasks of `setup`."""
    if data is None:
        return restore(setup.initial_state(), payload, setup.source.fingerprint).theta
    return theta_for_other_data(setup, payload)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
