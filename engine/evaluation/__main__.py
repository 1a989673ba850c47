"""`python -m engine.evaluation RUNDIR [OVERRIDES]`: measure a run's checkpoints by a protocol of one's own.

OVERRIDES is a JSON object; what it leaves out is taken from the run's configuration. Writes one JSON object, an
`engine.runs.report.Report`, to stdout. The run itself is not touched.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from engine.checkpoint import restore
from engine.config.record import read_record
from engine.custom import use_search_path
from engine.device import use_device
from engine.errors import MamlError, ResourceError, UsageError
from engine.evaluation.elsewhere import on_other_data, theta_for_other_data
from engine.evaluation.evaluator import protocol_for
from engine.memory import explain_out_of_memory
from engine.runs.checkpoints import load_checkpoint, read_pointer
from engine.runs.directory import RunDirectory
from engine.runs.report import Report
from engine.runs.result import Measured
from engine.runs.scores import Scores
from engine.tasks.build import verify_data
from engine.tasks.episode import EpisodeShape
from engine.tasks.sampling import Split
from engine.training import Setup

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from engine.algorithms.adapt import Params
    from engine.config.schema import RunConfig
    from engine.runs.checkpoints import Label
    from engine.runs.events import Protocol
    from engine.runs.scores import CheckpointName


class Overrides(BaseModel):
    """What to measure differently than the run's configuration says; None for no difference.

    Where `scored` names an inner step, every task's value of the metric after it is reported too.
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
        raise UsageError(f"{name} = {first['input']!r}: {first['msg']}") from error


def _measure(run: RunDirectory, overrides: Overrides) -> Report:
    record = read_record(run.config)
    use_search_path(record.search_path)
    config = record.resolved.config
    if overrides.data is not None:
        config = on_other_data(config, overrides.data)
    verify_data(config)
    setup = Setup.build(config, use_device(overrides.device or record.device))
    if overrides.data is None and record.fingerprint and dict(record.fingerprint) != setup.source.fingerprint:
        raise ResourceError(
            f"run {run.id} was trained on another version of the data or class split than is installed: "
            "restore it (maml data check)"
        )
    protocol = overrides.protocol(config)
    setup.source.check(EpisodeShape(protocol.ways or 1, protocol.shots, protocol.queries))
    measured: list[Measured] = []
    scores: dict[CheckpointName, NDArray[np.float32]] = {}
    for label in _labels(run, overrides):
        name: CheckpointName = "best" if label == "best" else "last"
        stored, payload = load_checkpoint(run, label)
        theta = _theta(setup, payload, overrides.data)
        curves = setup.measure_by(protocol, theta)
        measured.append(Measured(checkpoint=name, iteration=stored.iteration, measurement=curves.summarise()))
        if overrides.scored is not None:
            scores[name] = curves.scores(overrides.scored)
    return Report(
        run=run.id,
        measurements=tuple(measured),
        fingerprint=setup.source.fingerprint,
        data=overrides.data,
        scores=None if overrides.scored is None else Scores.of(overrides.scored, scores),
    )


def _labels(run: RunDirectory, overrides: Overrides) -> list[Label]:
    """Return the checkpoints asked for; without validations a run has no best one, and the latest must do."""
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
