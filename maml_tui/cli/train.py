"""`maml train`: start a run and follow it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from engine.config.toml import config_tables
from maml_tui.cli.arguments import Device, complete_presets, complete_settings
from maml_tui.cli.foreground import Detach, Display, Json, Plain, Quiet, Tui, work
from maml_tui.cli.output import Mode, emit_json, say
from maml_tui.reports.config_text import annotated_toml
from maml_tui.runs.new_run import Request, create, data_of, request_for

app = typer.Typer()


_Preset = Annotated[
    str | None,
    typer.Argument(
        metavar="PRESET", help="What to train: see `maml presets ls`.", autocompletion=complete_presets
    ),
]

_File = Annotated[
    Path | None, typer.Option("--config", "-c", metavar="FILE", help="Values laid over the preset.")
]

_Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        "-s",
        metavar="KEY=VALUE",
        help="One value, laid over preset and file; repeatable.",
        autocompletion=complete_settings,
    ),
]

_Data = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="The same as -s data=NAME; with neither PRESET nor FILE, by the preset that suits the pictures.",
    ),
]

_Model = Annotated[
    str | None,
    typer.Option(
        metavar="MODULE:CLASS",
        help="Your own nn.Module as the network, found in this folder or on PYTHONPATH. Its code is run.",
    ),
]

_Tasks = Annotated[
    str | None,
    typer.Option(
        metavar="MODULE:CLASS",
        help="Your own class that makes tasks (see engine/tasks/custom.py), found likewise. Its code is run.",
    ),
]

_DryRun = Annotated[
    bool,
    typer.Option("--dry-run", help="Print the configuration and where it comes from; start nothing."),
]


@app.command(
    "train",
    epilog="\b\nExamples:\n"
    "  maml train smoke\n"
    "  maml train omniglot-20w1s -s algorithm=fomaml -s meta_lr=3e-4 --device cuda:0\n"
    "  maml train --data birds -s ways=3\n"
    "  maml train sinusoid-10shot --model mynets:Net\n"
    "  maml train --tasks mytasks:Lines -s iterations=2000\n"
    "  maml train -c mine.toml --detach\n"
    "  maml train sinusoid-10shot --dry-run > mine.toml",
)
def train(
    preset: _Preset = None,
    file: _File = None,
    settings: _Settings = None,
    data: _Data = None,
    model: _Model = None,
    tasks: _Tasks = None,
    name: Annotated[str | None, typer.Option(help="What to call the run.")] = None,
    seed: Annotated[int | None, typer.Option(help="The same as -s seed=...")] = None,
    device: Device = "auto",
    detach: Detach = False,
    plain: Plain = False,
    as_json: Json = False,
    tui: Tui = False,
    dry_run: _DryRun = False,
    quiet: Quiet = False,
) -> None:
    """Start a run in the background and follow it.

    Closing the terminal does not end it; Ctrl-C stops it with a checkpoint.
    """
    display = Display.of(detach=detach, plain=plain, as_json=as_json, quiet=quiet, tui=tui)
    chosen = {"data": data, "seed": seed, **_own_classes(model, tasks)}
    given = (*(settings or []), *(f"{key}={json.dumps(v)}" for key, v in chosen.items() if v is not None))
    if data is not None and preset is None and file is None:
        request = request_for(data, given, name, device)
    else:
        request = Request(preset, file, given, name, device)
    record = request.record()
    if not dry_run:
        if request.fitted:
            say(f"to fit {data}: {', '.join(request.fitted).replace('=', ' = ')}")
        for own in record.resolved.config.own_classes:
            say(f"running your own code: {own}, looked for in {', '.join(record.search_path)}")
        raise typer.Exit(work(create(record), record, display))
    if display.mode is Mode.JSON:
        emit_json({"config": config_tables(record.resolved.config), "sources": dict(record.resolved.sources)})
    else:
        print(annotated_toml(record.resolved))


def _own_classes(model: str | None, tasks: str | None) -> dict[str, str]:
    """Return the settings that stand for classes of a person's own."""
    network = {} if model is None else {"network": "custom", "model_class": model}
    return network if tasks is None else {**network, "task_class": tasks, "data": data_of(tasks)}
