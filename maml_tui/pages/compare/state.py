"""The state of the page: the compared runs, read again for as long as somebody looks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.runs.result import read_scores
from maml_tui.reports.contender import LETTERS, Contender, outcome_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from engine.runs.directory import RunDirectory
    from engine.runs.result import CheckpointName, Scores
    from engine.services.messages import EvaluationReport
    from maml_tui.runs.watch import Batch, RunWatch


class CompareState:
    """Follows several runs, A, B, ...: `fetch` in any thread, then `apply` in the one that shows them."""

    def __init__(self, watches: Sequence[RunWatch]) -> None:
        self.watches = tuple(watches)
        self._scores: tuple[Scores | None, ...] = (None,) * len(self.watches)
        self._at: CheckpointName | None = None
        self._reports: Mapping[RunDirectory, EvaluationReport] = {}

    @property
    def runs(self) -> tuple[RunDirectory, ...]:
        """Their folders."""
        return tuple(watch.run for watch in self.watches)

    @property
    def at(self) -> CheckpointName:
        """Whose parameters are compared: the best, or the last ones as long as a run has no best."""
        return self._at or ("last" if any(watch.status.best is None for watch in self.watches) else "best")

    def fetch(self) -> tuple[tuple[Batch, Scores | None], ...]:
        """Read each run's files and the scores beside its result, without touching what is shown.

        Raises:
            ResourceError: A file cannot be read.
        """
        return tuple(map(self._look, self.watches, self._scores))

    def apply(self, found: Sequence[tuple[Batch, Scores | None]]) -> bool:
        """Take over what was found; return whether anything changed. A new result ends what was measured anew."""
        results = [watch.result for watch in self.watches]
        changed = [watch.apply(batch) for watch, (batch, _) in zip(self.watches, found, strict=True)]
        self._scores = tuple(scores for _, scores in found)
        if results != [watch.result for watch in self.watches]:
            self._at, self._reports = None, {}
        return any(changed)

    def measured_anew(self, reports: Mapping[RunDirectory, EvaluationReport]) -> None:
        """Take what the evaluator reports of all the runs, measured at `at`, for their results."""
        self._at, self._reports = self.at, reports

    def contenders(self) -> list[Contender]:
        """Return the runs as they are now."""
        return [
            self._contender(letter, watch, scores)
            for letter, watch, scores in zip(LETTERS, self.watches, self._scores, strict=False)
        ]

    def _look(self, watch: RunWatch, scores: Scores | None) -> tuple[Batch, Scores | None]:
        batch = watch.fetch()
        return batch, scores if batch.result is watch.result else read_scores(watch.run.scores)

    def _contender(self, letter: str, watch: RunWatch, scores: Scores | None) -> Contender:
        report = self._reports.get(watch.run)
        outcome = outcome_of(
            watch.config, report or watch.result, report.scores if report else scores, self.at
        )
        return Contender(letter, watch.run, watch.config, watch.status, outcome)
