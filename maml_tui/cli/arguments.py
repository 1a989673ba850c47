"""Arguments and options that several commands share, and their completion in the shell."""

from __future__ import annotations

from typing import Annotated

import typer

from engine.errors import MamlError


def complete_presets(incomplete: str) -> list[str]:
    """Complete the name of a preset."""
    from engine.config.presets import preset_names

    return [name for name in preset_names() if name.startswith(incomplete)]


def complete_settings(incomplete: str) -> list[tuple[str, str]]:
    """Complete the name of an option, with `=` behind it, and then its value where there are names to choose from."""
    from engine.config.fields import all_fields

    name, equals, _ = incomplete.partition("=")
    if equals and (known := all_fields().get(name)):
        offered = [(f"{name}={choice}", known.label) for choice in known.choices]
    else:
        offered = [(f"{name}=", known.label) for name, known in all_fields().items()]
    return [(setting, label) for setting, label in offered if setting.startswith(incomplete)]


def complete_runs(incomplete: str) -> list[tuple[str, str]]:
    """Complete the id of a run; the shell shows its name beside it."""
    from engine.runs.index import list_runs

    try:
        found = list_runs()
    except MamlError:
        return []
    named = [("@last", "the newest run"), *((one.run.id, one.status.name) for one in found)]
    return [(name, about) for name, about in named if name.startswith(incomplete)]


def complete_models(incomplete: str) -> list[tuple[str, str]]:
    """Complete what can be adapted: a run or a shipped initialisation."""
    from maml_tui.runs.origin import shipped

    named = ((name, "comes with the program") for name in shipped())
    return complete_runs(incomplete) + [(name, about) for name, about in named if name.startswith(incomplete)]


_HELP = "Id or its beginning, name, path, @last or @best."

Run = Annotated[str, typer.Argument(metavar="RUN", help=_HELP, autocompletion=complete_runs)]

LAST = "@last"

Device = Annotated[str, typer.Option(envvar="MAML_DEVICE", help="auto, cpu, cuda or cuda:1.")]

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
