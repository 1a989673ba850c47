"""Classes of a person's own, tried before a run is made of them. Their code runs, in a process of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.config.own_code import current_search_path
from engine.services.messages import Check, Finding
from maml_tui.runs.asking import ask

if TYPE_CHECKING:
    from engine.config.record import RunRecord


def data_of(task_class: str) -> str:
    """Return what a configuration calls the kind of tasks that a class makes.

    Raises:
        UsageError: The class cannot be imported, or makes no tasks.
    """
    return _ask(Check(search_path=current_search_path(), task_class=task_class)).data


def check_own_code(record: RunRecord) -> None:
    """Make the tasks of a configuration, and take one tiny meta-gradient with its network.

    Raises:
        UsageError: It cannot be trained; says why.
        ResourceError: This machine lacks the device or the data.
    """
    _ask(Check(search_path=record.search_path, config=record.to_toml("not yet")))


def _ask(check: Check) -> Finding:
    return Finding.model_validate_json(ask("engine.services.preflight", check.model_dump_json()))
