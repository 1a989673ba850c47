"""A comparison as tables of text: a column per run, the differences in pairs, and the notes beside them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.text import printable
from maml_tui.reports.config_text import differing_options
from maml_tui.reports.pairs import Pair, pairs, unlike_tasks
from maml_tui.reports.wording import MISSING, duration, metric_name, significant, with_interval

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.runs.result import CheckpointName
    from engine.statistics.paired import PairedDifference
    from maml_tui.reports.contender import Contender, Outcome

_MIN_P = 0.001
_MIXED = "result"


@dataclass(frozen=True)
class ComparisonTables:
    """Tables of text.

    Attributes:
        columns: Headings: nothing, then each run's letter and id.
        results: What each run reached, with its interval.
        facts: Rows on how each run fared, the results among them.
        obstacles: Sentences on pairs without a difference, and the command that helps.
    """

    columns: tuple[str, ...]
    results: tuple[str, ...]
    facts: tuple[tuple[str, ...], ...]
    options: tuple[tuple[str, ...], ...]
    pair_columns: tuple[str, ...]
    pairs: tuple[tuple[str, ...], ...]
    obstacles: tuple[str, ...]
    notes: tuple[str, ...]


def comparison_tables(contenders: Sequence[Contender], at: CheckpointName) -> ComparisonTables:
    """Return the comparison of the best or last parameters of runs, one or more."""
    found = pairs(contenders)
    judged = _judged(contenders)
    results = tuple(_result(one.outcome, judged) for one in contenders)
    rows = {
        "name": [printable(one.status.name) for one in contenders],
        "state": [_state(one) for one in contenders],
        judged: results,
        "parameters": [_parameters(one.outcome) for one in contenders],
        "iteration": [f"{one.status.iteration:,}" for one in contenders],
        "it/s": [significant(one.status.iterations_per_second) for one in contenders],
        "time": [duration(one.status.seconds) for one in contenders],
    }
    options = differing_options([one.config for one in contenders])
    return ComparisonTables(
        columns=("", *(f"{one.letter} {printable(one.run.id)}" for one in contenders)),
        results=results,
        facts=tuple((label, *cells) for label, cells in rows.items()),
        options=tuple((row.option.label, *row.values) for row in options),
        pair_columns=("pair", "difference ± CI95", "p", "better"),
        pairs=tuple(_pair_row(pair, pair.difference) for pair in found if pair.difference is not None),
        obstacles=tuple(_obstacles(contenders, found, at)),
        notes=tuple(_notes(contenders, found)),
    )


def p_value(p: float) -> str:
    """Write a probability with three decimals."""
    if math.isnan(p):
        return MISSING
    return f"< {_MIN_P}" if p < _MIN_P else f"{p:.3f}"


def _state(one: Contender) -> str:
    status = one.status
    if status.state == "done" or not status.iterations:
        return status.state
    return f"{status.state} {status.iteration / status.iterations:.0%}"


def _judged(contenders: Sequence[Contender]) -> str:
    """Return the heading of the results: their metric, if it is the same for all."""
    metrics = {one.config.metric for one in contenders}
    return metric_name(metrics.pop()) if len(metrics) == 1 else _MIXED


def _result(outcome: Outcome | None, judged: str) -> str:
    if outcome is None:
        return MISSING
    metric = outcome.measured.measurement.metric
    value = with_interval(metric, outcome.at.mean, outcome.at.ci95)
    unit = "%" if metric == "accuracy" else metric
    return f"{value} {unit}" if judged == _MIXED else value


def _parameters(outcome: Outcome | None) -> str:
    if outcome is None:
        return MISSING
    return f"{outcome.measured.checkpoint} @{outcome.measured.iteration:,}"


def _pair_row(pair: Pair, difference: PairedDifference) -> tuple[str, ...]:
    metric, (mean, ci95, p, *_) = pair.first.config.metric, difference
    sign, unit = "+" if mean > 0 else "", " pp" if metric == "accuracy" else ""
    better = pair.better
    return (
        f"{pair.first.letter} - {pair.second.letter}",
        f"{sign}{with_interval(metric, mean, ci95)}{unit}",
        p_value(p),
        better.letter if better else MISSING,
    )


def _obstacles(contenders: Sequence[Contender], found: Sequence[Pair], at: CheckpointName) -> list[str]:
    obstacles = [
        f"{pair.first.letter} - {pair.second.letter}: {pair.obstacle}" for pair in found if pair.obstacle
    ]
    config = contenders[0].config
    needed = any(pair.difference is None for pair in found)
    if not needed or any(unlike_tasks(config, one.config) for one in contenders):
        return obstacles
    ids = " ".join(printable(one.run.id) for one in contenders)
    last = " --at last" if at == "last" or any(one.status.best is None for one in contenders) else ""
    command = f"maml compare {ids} --tasks {config.evaluation.eval_tasks}{last}"
    return [*obstacles, f"measure all of them on the same tasks: {command}"]


def _notes(contenders: Sequence[Contender], found: Sequence[Pair]) -> list[str]:
    """Say what the results are means of, once if it is the same for all runs that have one, and what p is."""
    letters: dict[str, list[str]] = {}
    for one in contenders:
        if one.outcome:
            protocol = one.outcome.measured.measurement.protocol
            tasks = f"{protocol.tasks:,} {protocol.split} tasks, {one.outcome.step} inner steps"
            letters.setdefault(tasks, []).append(one.letter)
    notes = [f"result of {', '.join(of)}: mean ± CI95 of {tasks}" for tasks, of in letters.items()]
    if any(pair.difference for pair in found):
        notes.append(
            "p: two-sided paired t-test over the tasks, uncorrected; it speaks of these parameters, not of other seeds"
        )
    return notes
