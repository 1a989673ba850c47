"""Two runs on the same test tasks: how much better one is, or why that cannot be said."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.config.fields import applicable_fields
from engine.errors import UsageError
from engine.services.messages import Overrides
from engine.statistics.paired import PairedDifference, paired_difference
from maml_tui.reports.config_text import option_value

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from engine.config.schema import RunConfig
    from engine.runs.result import CheckpointName
    from maml_tui.reports.contender import Contender, Outcome


_SIGNIFICANT = 0.05

# Options of the task section that each measurement chooses for itself.
_CHOSEN = ("shots", "queries")


@dataclass(frozen=True)
class Pair:
    """Two runs and the difference of their results.

    Attributes:
        difference: first - second, task by task; None if they cannot be paired.
        obstacle: Why they cannot, one sentence; empty if they can.
    """

    first: Contender
    second: Contender
    difference: PairedDifference | None
    obstacle: str = ""

    @property
    def better(self) -> Contender | None:
        """The run that is better on these tasks; None if chance can explain the difference, or none is known."""
        if self.difference is None or not self.difference.p < _SIGNIFICANT:
            return None
        lower_wins = self.first.config.metric == "mse"
        return self.first if (self.difference.mean < 0) == lower_wins else self.second


def pairs(contenders: Sequence[Contender]) -> list[Pair]:
    """Return the first run paired with each of the others."""
    first, *others = contenders
    return [_pair(first, other) for other in others]


def unlike_tasks(first: RunConfig, second: RunConfig) -> str:
    """Return in words how the tasks of two runs differ, whatever is measured; empty if they do not."""
    return _unlike(_distribution(first), _distribution(second))


def require_same_tasks(contenders: Sequence[Contender]) -> None:
    """Make sure that runs can meet the same tasks.

    Raises:
        UsageError: They cannot; says what differs.
    """
    first, *others = contenders
    for other in others:
        unlike = unlike_tasks(first.config, other.config)
        if unlike:
            raise UsageError(f"{first.letter} and {other.letter} cannot meet the same tasks: {unlike}")


def same_for_all(config: RunConfig, at: CheckpointName, chosen: Mapping[str, object]) -> Overrides:
    """Return the overrides by which several runs meet the same tasks.

    Args:
        config: The configuration of the first run, whose protocol holds for all.
        chosen: What to do differently, by the names of `Overrides`; None for no difference.

    Raises:
        UsageError: A value is out of range.
    """
    evaluation = config.evaluation
    usual = {
        "tasks": evaluation.eval_tasks,
        "steps": evaluation.eval_steps,
        "shots": config.task.shots,
        "queries": evaluation.eval_queries,
        "seed": evaluation.eval_seed,
        "mode": None if config.is_regression else evaluation.eval_mode,
    }
    asked = {**usual, **{name: value for name, value in chosen.items() if value is not None}}
    return Overrides.of(
        {**asked, "scored": asked["steps"], "checkpoint": ["latest" if at == "last" else "best"]}
    )


def _pair(first: Contender, second: Contender) -> Pair:
    unlike = unlike_tasks(first.config, second.config)
    if unlike:
        return Pair(first, second, None, f"they learn different tasks: {unlike}")
    if first.outcome is None or second.outcome is None:
        lacking = [one.letter for one in (first, second) if one.outcome is None]
        return Pair(first, second, None, f"parameters not measured yet: {' and '.join(lacking)}")
    unlike = _unlike(_conditions(first.outcome), _conditions(second.outcome))
    if unlike:
        return Pair(first, second, None, f"they were not measured on the same tasks: {unlike}")
    if first.outcome.scores is None or second.outcome.scores is None:
        lacking = [one.letter for one in (first, second) if one.outcome and one.outcome.scores is None]
        return Pair(first, second, None, f"the scores of single tasks were not kept: {' and '.join(lacking)}")
    difference = paired_difference(first.outcome.scores, second.outcome.scores)
    return Pair(first, second, difference, _undefined(difference))


def _undefined(difference: PairedDifference) -> str:
    if math.isfinite(difference.mean):
        return ""
    diverged = f"{difference.not_finite:,} of {difference.tasks:,} tasks diverged in one of them"
    return f"{diverged}, so there is no mean difference"


def _distribution(config: RunConfig) -> dict[str, str]:
    """Return what decides which tasks there are, by its label."""
    return {
        known.label: option_value(known.value(config))
        for known in applicable_fields(config)
        if known.section == "task" and known.name not in _CHOSEN
    }


def _conditions(outcome: Outcome) -> dict[str, str]:
    """Return what else must agree before two scores of a task are compared, by its label."""
    protocol = outcome.measured.measurement.protocol
    return {
        **{f"{name} hash": value[:16] for name, value in outcome.fingerprint.items()},
        "split": protocol.split,
        "tasks": f"{protocol.tasks:,}",
        "task seed": str(protocol.seed),
        "shots": str(protocol.shots),
        "queries": str(protocol.queries),
        "batch statistics": str(protocol.mode),
        "scored step": str(outcome.step),
    }


def _unlike(first: dict[str, str], second: dict[str, str]) -> str:
    if first.get("data") != second.get("data"):
        return f"data {first['data']} and {second['data']}"
    labels = dict.fromkeys([*first, *second])
    return ", ".join(
        f"{label} {first.get(label, 'none')} and {second.get(label, 'none')}"
        for label in labels
        if first.get(label) != second.get(label)
    )
