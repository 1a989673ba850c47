"""One run of a comparison, and what it reached on the test tasks."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from engine.config.record import read_record
from engine.runs.result import CheckpointName, Measured, Result, Scores, read_result, read_scores
from engine.runs.status import Status, current_status
from engine.statistics.summary import summarise

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from engine.config.schema import RunConfig
    from engine.runs.directory import RunDirectory
    from engine.runs.events import AtStep
    from engine.services.messages import EvaluationReport

LETTERS = "ABCDEF"
"""What the runs of a comparison are called; as many as there can be."""


@dataclass(frozen=True, eq=False)
class Outcome:
    """What the parameters of a run reached.

    Attributes:
        step: Inner steps after which it is scored.
        scores: Every task's value of the metric at that step, `[tasks]`; None if they were not kept.
    """

    measured: Measured
    step: int
    scores: npt.NDArray[np.float32] | None
    fingerprint: Mapping[str, str]

    @property
    def at(self) -> AtStep:
        """The result: the statistics of the metric at the scored step."""
        return self.measured.measurement.series[self.step]


@dataclass(frozen=True, eq=False)
class Contender:
    """One run of a comparison, and its outcome; None if that was not measured."""

    letter: str
    run: RunDirectory
    config: RunConfig
    status: Status
    outcome: Outcome | None = None

    def measured_anew(self, report: EvaluationReport, at: CheckpointName) -> Contender:
        """Return it with what the evaluator reports of it."""
        return replace(self, outcome=outcome_of(self.config, report, report.scores, at))


def stored_contenders(runs: Sequence[RunDirectory], at: CheckpointName) -> list[Contender]:
    """Return runs with the results that lie in their folders, in order A, B, ...

    Raises:
        MamlError: A file cannot be read or understood.
    """
    return [_stored(letter, run, at) for letter, run in zip(LETTERS, runs, strict=False)]


def outcome_of(
    config: RunConfig, result: Result | EvaluationReport | None, scores: Scores | None, at: CheckpointName
) -> Outcome | None:
    """Return what the best or last parameters of a run reached, or None where that was not measured."""
    measured = next((one for one in result.measurements if one.checkpoint == at), None) if result else None
    if result is None or measured is None:
        return None
    usual = config.evaluation.scored_step(measured.measurement.protocol.steps)
    outcome = Outcome(measured, scores.step if scores else usual, None, result.fingerprint)
    values = np.array(scores.tasks.get(at, ()) if scores else (), dtype=np.float32)
    return replace(outcome, scores=values) if _belong(values, outcome) else outcome


def _belong(scores: npt.NDArray[np.float32], outcome: Outcome) -> bool:
    """Tell whether scores are those of the result: a run that is trained further replaces both, one after the other."""
    if len(scores) != outcome.measured.measurement.protocol.tasks:
        return False
    mean, stated = summarise(scores).mean, outcome.at.mean
    return math.isclose(mean, stated, rel_tol=1e-9) or not (math.isfinite(mean) or math.isfinite(stated))


def _stored(letter: str, run: RunDirectory, at: CheckpointName) -> Contender:
    config = read_record(run.config).resolved.config
    outcome = outcome_of(config, read_result(run.result), read_scores(run.scores), at)
    return Contender(letter, run, config, current_status(run), outcome)
