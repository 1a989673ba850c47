"""Arguments that several commands share, and what the shell offers for them when tab is pressed."""

from __future__ import annotations

from typing import Annotated

import typer

from engine.errors import MamlError
from maml_tui.cli import arguments as complete


def presets(incomplete: str) -> list[str]:
    """Offer presets."""
    from engine.config.presets import preset_names

    return [name for name in preset_names() if name.startswith(incomplete)]


def settings(incomplete: str) -> list[tuple[str, str]]:
    """Offer options with their `=`, ready for the value."""
    from engine.config.fields import all_fields

    return [(f"{name}=", known.label) for name, known in all_fields().items() if name.startswith(incomplete)]


def runs(incomplete: str) -> list[tuple[str, str]]:
    """Offer runs by id, with their names."""
    from engine.runs.index import list_runs

    try:
        found = list_runs()
    except MamlError:
        return []
    named = [("@last", "the newest run"), *((one.run.id, one.status.name) for one in found)]
    return [(name, about) for name, about in named if name.startswith(incomplete)]


def models(incomplete: str) -> list[tuple[str, str]]:
    """Offer what can be adapted: runs and shipped initialisations."""
    from maml_tui.runs.origin import shipped

    named = ((name, "comes with the program") for name in shipped())
    return runs(incomplete) + [(name, about) for name, about in named if name.startswith(incomplete)]


_HELP = "Id or its beginning, name, path, @last or @best."

Run = Annotated[str, typer.Argument(metavar="RUN", help=_HELP, autocompletion=complete.runs)]
"""A run that may be left out."""

NamedRun = Annotated[str, typer.Argument(metavar="RUN", help=_HELP, autocompletion=complete.runs)]
"""A run that must be named."""

LAST = "@last"
