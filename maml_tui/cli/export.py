"""`maml export`: a run's model, configuration, metrics or results as a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from engine.config.record import read_record
from engine.config.resolve import Layer, resolve
from engine.config.toml import config_tables, parse_toml, sections, write_toml
from engine.errors import ResourceError, UsageError
from engine.files import write_atomic
from engine.runs.checkpoints import Label  # noqa: TC001 - typer reads it
from engine.runs.index import find_run
from engine.runs.journal import EventReader
from engine.runs.result import Result, read_result
from engine.services.apply_messages import APPLY, Exported, ExportRequest
from engine.services.client import ask
from engine.text import printable
from maml_tui.cli.arguments import Run  # noqa: TC001 - typer reads it
from maml_tui.cli.output import say
from maml_tui.reports.result_files import (
    METRIC_COLUMNS,
    metric_rows,
    model_card,
    to_csv,
    to_json,
    to_markdown,
)
from maml_tui.reports.results import ResultTable, result_table
from maml_tui.runs.origin import find_origin

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.runs.directory import RunDirectory

app = typer.Typer()


What = Literal["model", "config", "metrics", "table"]


@app.command(
    "export",
    epilog="\b\nExamples:\n"
    "  maml export @best --what model -o birds.safetensors\n"
    "  maml export @last --what metrics > metrics.csv\n"
    "  maml export @last --what table -o results.md",
)
def export(
    run: Run,
    what: Annotated[
        What,
        typer.Option(
            help="model: safetensors and a model card; config: TOML or JSON; metrics: CSV or JSON; table of results: "
            "Markdown, CSV or JSON."
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Where to; its ending chooses the format. If left out: stdout, for a model NAME.safetensors.",
        ),
    ] = None,
    checkpoint: Annotated[
        Label | None, typer.Option(help="Whose parameters; the best if left out. For a model.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace files that exist.")] = False,
    with_paths: Annotated[
        bool, typer.Option("--with-paths", help="Tell host, folder and command too. For a model.")
    ] = False,
) -> None:
    """Write a run's model, configuration, metrics or results to a file.

    Neither host names nor paths are told unless asked for.
    """
    if what == "model":
        _export_model(run, output, checkpoint, force=force, with_paths=with_paths)
        return
    if checkpoint or with_paths:
        raise UsageError(f"--what {what} has no use for --checkpoint and --with-paths: leave them out")
    text = _text(find_run(run), what, output)
    if output is None:
        print(text, end="")
    else:
        _refuse_to_replace(output, force=force)
        write_atomic(output, text)


def _export_model(
    reference: str, output: Path | None, checkpoint: Label | None, *, force: bool, with_paths: bool
) -> None:
    run = find_run(reference)
    file = output or Path(f"{read_record(run.config).name}.safetensors")
    if file.suffix != ".safetensors":
        raise UsageError(
            f"{printable(file)}: a model is written as safetensors: let the name end in .safetensors"
        )
    card = file.with_suffix(".md")
    for path in (file, card):
        _refuse_to_replace(path, force=force)
    origin = find_origin(str(run.path), checkpoint)
    request = ExportRequest(origin=origin, file=str(file), force=force, with_paths=with_paths)
    report = ask(APPLY, request)
    assert isinstance(report, Exported)  # noqa: S101 - what this is answered with
    config = resolve([Layer("", sections(parse_toml(report.facts.config, ""), ""))]).config
    write_atomic(card, model_card(report.facts, config, file.name))
    say(f"wrote {file} and {card}; use it with: maml adapt {file} --support ...")


def _text(run: RunDirectory, what: What, output: Path | None) -> str:
    writers = _WRITERS[what]
    kind = next(iter(writers)) if output is None else output.suffix.removeprefix(".")
    if kind not in writers:
        raise UsageError(
            f"{printable(output)}: --what {what} is written as {' or '.join(writers)}: let the name end in one of them"
        )
    return writers[kind](run)


def _refuse_to_replace(path: Path, *, force: bool) -> None:
    if path.exists() and not force:
        raise UsageError(f"{printable(path)} exists: add --force to replace it")


def _config(run: RunDirectory) -> dict[str, dict[str, object]]:
    return config_tables(read_record(run.config).resolved.config)


def _metrics(run: RunDirectory) -> list[dict[str, object]]:
    return list(metric_rows(EventReader(run.events).read()))


def _table(run: RunDirectory) -> ResultTable:
    result = _result(run)
    return result_table(read_record(run.config).resolved.config, result.measurements, result.fingerprint)


def _result(run: RunDirectory) -> Result:
    result = read_result(run.result)
    if result is None:
        raise ResourceError(
            f"run {printable(run.id)} has no result yet: it is measured on test tasks when it is done (or by maml eval)"
        )
    return result


_WRITERS: dict[What, dict[str, Callable[[RunDirectory], str]]] = {
    "config": {"toml": lambda run: write_toml(_config(run)), "json": lambda run: to_json(_config(run))},
    "metrics": {
        "csv": lambda run: to_csv(METRIC_COLUMNS, (row.values() for row in _metrics(run))),
        "json": lambda run: to_json(_metrics(run)),
    },
    "table": {
        "md": lambda run: to_markdown(_table(run)),
        "csv": lambda run: to_csv(_table(run).columns, _table(run).rows),
        "json": lambda run: to_json(_result(run).model_dump()),
    },
}
"""How each is written, by the ending of a file's name; the first where there is no file."""
