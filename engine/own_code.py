"""What is asked of `engine.preflight`, and what it answers. Imports no torch."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Check(BaseModel):
    """What to look at: a task class, or a whole configuration.

    Attributes:
        search_path: Folders in which classes are looked for.
        task_class: The class whose kind is asked for; None for a configuration.
        config: The text of a run's `config.toml`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    search_path: tuple[str, ...]
    task_class: str | None = None
    config: str = ""


class Finding(BaseModel):
    """That it can work.

    Attributes:
        data: What a configuration calls the kind of tasks.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    data: str
