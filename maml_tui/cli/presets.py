"""`maml presets`: ready-made configurations."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - typer reads it
from typing import Annotated

import typer

from engine.config.fields import applicable_fields
from engine.config.presets import Preset, load_preset, preset_names
from engine.config.resolve import ConfigError, resolve
from engine.config.toml import config_tables, file_layer
from engine.errors import UsageError
from engine.files import explain_os_errors
from engine.text import printable
from maml_tui.cli.arguments import AsJson, complete_presets
from maml_tui.cli.output import emit, emit_json, emit_notes, emit_table, say
from maml_tui.reports.config_text import differences, toml_value

app = typer.Typer(
    help="Ready-made configurations, those of the papers among them.",
    no_args_is_help=True,
    epilog="Example: maml presets show omniglot-5w1s",
)

Name = Annotated[
    str, typer.Argument(metavar="PRESET", help="The preset's name.", autocompletion=complete_presets)
]


@app.command("ls", epilog="Example: maml presets ls --json")
def list_presets(as_json: AsJson = False) -> None:
    """List the presets."""
    presets = [load_preset(name) for name in preset_names()]
    if as_json:
        emit_json([_about(preset) for preset in presets])
    else:
        emit_table(("name", "summary"), [(preset.name, preset.summary) for preset in presets])


@app.command("show", epilog="Example: maml presets show smoke")
def show(
    name: Name,
    toml: Annotated[bool, typer.Option("--toml", help="Print the file itself.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show where a preset comes from and every value of it."""
    preset = load_preset(name)
    if toml:
        print(preset.path.read_text(encoding="utf-8"), end="")
    elif as_json:
        emit_json({**_about(preset), "config": config_tables(preset.resolved().config)})
    else:
        _show(preset)


@app.command("cp", epilog="Example: maml presets cp omniglot-5w1s mine.toml")
def copy(
    name: Name,
    file: Annotated[Path, typer.Argument(help="The file to write.")],
    force: Annotated[bool, typer.Option("--force", help="Replace the file if it exists.")] = False,
) -> None:
    """Copy a preset to a file, to be changed and run with `maml train -c FILE`."""
    text = load_preset(name).path.read_text(encoding="utf-8")
    with explain_os_errors(f"write {file}"):
        try:
            with file.open("w" if force else "x", encoding="utf-8") as target:
                target.write(text)
        except FileExistsError as error:
            raise UsageError(f"{printable(file)} exists: add --force to replace it") from error
    say(f"copied; train with: maml train -c {file}")


@app.command("validate", epilog="Example: maml presets validate mine.toml")
def validate(
    files: Annotated[list[Path], typer.Argument(metavar="FILE", help="Configuration files.")],
) -> None:
    """Check configuration files and report everything that is wrong with them."""
    problems: list[str] = []
    for file in files:
        try:
            resolve([file_layer(file)])
        except UsageError as error:
            problems += str(error).splitlines()
        else:
            emit(f"{file}: ok")
    if problems:
        raise ConfigError(problems)


@app.command("diff", epilog="Example: maml presets diff omniglot-5w1s mine.toml")
def diff(
    name: Name,
    file: Annotated[Path, typer.Argument(help="A configuration file, or a run's config.toml.")],
) -> None:
    """Show the options in which a file differs from a preset."""
    preset, other = load_preset(name).resolved().config, resolve([file_layer(file)]).config
    found = differences(preset, other)
    if found:
        emit_table(("option", name, file.name), found)
    else:
        say(f"{file} says the same as {name}")


def _about(preset: Preset) -> dict[str, object]:
    keys = ("name", "title", "summary", "source", "deviations", "sha256")
    return {key: getattr(preset, key) for key in keys}


def _show(preset: Preset) -> None:
    emit(f"{preset.name}: {preset.title}", "bold")
    source = [f"source: {preset.source}"] if preset.source else []
    deviations = [f"deviation: {deviation}" for deviation in preset.deviations]
    emit_notes([preset.summary, *source, *deviations], style="")
    emit("")
    config = preset.resolved().config
    emit_table(
        ("option", "value", "unit", "meaning"),
        [
            (known.path, toml_value(known.value(config)), known.unit, known.label)
            for known in applicable_fields(config)
        ],
    )
