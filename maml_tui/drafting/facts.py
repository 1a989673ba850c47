"""What follows from a configuration without running it: how large an update is, what others published for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.config.fields import all_fields
from maml_tui.drafting.texts import shown
from maml_tui.published import published
from maml_tui.wording import significant

if TYPE_CHECKING:
    from engine.config.schema import RunConfig
    from engine.costs import Costs
    from maml_tui.drafting.draft import Draft


def update_size(config: RunConfig) -> str:
    """Write how many examples a meta-update works through, and how the number comes about."""
    task, tasks = config.task, config.training.meta_batch_size
    each = task.shots + task.queries
    if config.is_regression:
        return f"{tasks}×({task.shots}+{task.queries}) = {tasks * each:,} points a meta-update"
    total = tasks * task.ways * each
    return f"{tasks}×{task.ways}×({task.shots}+{task.queries}) = {total:,} images a meta-update"


def reported(config: RunConfig) -> str:
    """Write the foremost number published for this task and algorithm, and whose it is; empty where there is none."""
    found = published(
        config.task.data,
        None if config.is_regression else config.task.ways,
        config.task.shots,
        config.algorithm.algorithm,
        config.evaluation.eval_steps,
        scored=True,
    )
    if not found:
        return ""
    return f"{found[0]} {'mse' if config.is_regression else '%'} ({found[0].source})"


def changes(draft: Draft) -> list[str]:
    """Return a line for each option that differs from the base: its label, its text and the base's in brackets."""
    fields = all_fields()
    return [
        f"{fields[name].label} {draft.text(name)} ({shown(fields[name].value(draft.base.config))})"
        for name in draft.changed
    ]


def memory(count: int) -> str:
    """Write a number of bytes."""
    mebibytes = count / 2**20
    return f"{significant(mebibytes / 1024)} GiB" if mebibytes >= 1024 else f"{significant(mebibytes)} MiB"


def speed(costs: Costs) -> str:
    """Write the median speed."""
    return f"{significant(costs.iterations_per_second)} it/s"
