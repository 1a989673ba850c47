"""The compared runs, read again for as long as somebody looks, and the plot with a line for each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.runs.result import CheckpointName, Scores, read_scores
from maml_tui.plotting import Charset
from maml_tui.plotting.glyphs import GLYPHS
from maml_tui.plotting.series import Plot, Series, Stroke
from maml_tui.reports.contender import LETTERS, Contender, outcome_of
from maml_tui.runs.series import METRICS, Metric, metrics_of, train_series, validation_series, whole_axis

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from engine.runs.directory import RunDirectory
    from engine.services.messages import EvaluationReport
    from maml_tui.runs.chart_view import ChartView
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
        contenders = []
        for letter, watch, scores in zip(LETTERS, self.watches, self._scores, strict=False):
            report = self._reports.get(watch.run)
            found = report.scores if report else scores
            outcome = outcome_of(watch.config, report or watch.result, found, self.at)
            contenders.append(Contender(letter, watch.run, watch.config, watch.status, outcome))
        return contenders

    def _look(self, watch: RunWatch, scores: Scores | None) -> tuple[Batch, Scores | None]:
        batch = watch.fetch()
        return batch, scores if batch.result is watch.result else read_scores(watch.run.scores)


STROKES = (Stroke.SOLID, Stroke.DASHED, Stroke.DOTTED)

_VALIDATED = (Metric.ACCURACY, Metric.LOSS, Metric.MSE)


def comparison_plot(watches: Sequence[RunWatch], view: ChartView, charset: Charset = Charset.UNICODE) -> Plot:
    """Return the view's metric of every run that has it: on validation tasks where it is measured there.

    A run keeps the colour, letter and stroke of its place among `watches`, whatever is left out.
    """
    shown = [
        (watch, _line(watch, view, slot))
        for slot, watch in enumerate(watches)
        if view.metric in metrics_of(watch.config)
    ]
    ends = [whole_axis(watch, view.x_axis, [line])[1] for watch, line in shown]
    return Plot(
        tuple(line for _, line in shown),
        x_range=(0.0, max(ends, default=1.0)),
        x_unit=view.x_axis.unit,
        y_unit=view.metric.unit,
        charset=charset,
        title=", ".join(f"{LETTERS[line.slot]} {line.label}" for _, line in shown),
        x_label=view.x_axis.value,
        y_label=view.metric.label,
    )


def signs(charset: Charset) -> tuple[str, ...]:
    """Return what the line of each run looks like, in a character."""
    strokes = GLYPHS[charset].strokes
    return tuple(strokes[STROKES[slot % len(STROKES)]] for slot in range(len(LETTERS)))


def metrics_of_all(watches: Sequence[RunWatch]) -> tuple[Metric, ...]:
    """Return the metrics that at least one of the runs has, the one that the first is judged by foremost."""
    known = {metric for watch in watches for metric in metrics_of(watch.config)}
    first = metrics_of(watches[0].config)[:1] if watches else ()
    return (*first, *(metric for metric in METRICS if metric in known and metric not in first))


def without_metric(watches: Sequence[RunWatch], metric: Metric) -> str:
    """Say which runs are not in the plot; empty if all are."""
    lacking = [
        letter
        for letter, watch in zip(LETTERS, watches, strict=False)
        if metric not in metrics_of(watch.config)
    ]
    return f"{', '.join(lacking)} not in the plot: no {metric.value} there" if lacking else ""


def _line(watch: RunWatch, view: ChartView, slot: int) -> Series:
    stroke, name = STROKES[slot % len(STROKES)], watch.record.name
    if view.metric in _VALIDATED and watch.config.training.eval_every:
        return validation_series(watch, view.metric, view.x_axis, slot, stroke, name)
    label = f"{name} (meta-train)" if view.metric in _VALIDATED else name
    return train_series(watch, view.metric, view.x_axis, slot, stroke, label)
