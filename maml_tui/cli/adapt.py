"""`maml adapt`: let a trained model learn a new task from a person's own few examples."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from engine.errors import UsageError
from engine.runs.checkpoints import Label  # noqa: TC001 - typer reads it
from engine.services.apply_messages import APPLY, MAX_STEPS, AdaptRequest, Classified, Fitted
from engine.services.client import ask
from engine.text import printable
from maml_tui.cli.arguments import AsJson, complete_models
from maml_tui.cli.output import emit_json, emit_notes, emit_table, say
from maml_tui.reports.predictions import for_people, for_programs, summary
from maml_tui.reports.result_files import to_csv
from maml_tui.runs.origin import find_origin

app = typer.Typer()


_Model = Annotated[
    str,
    typer.Argument(
        metavar="RUN",
        help="A run (id or its beginning, name, path, @last or @best), a file written by maml export, or "
        "sinusoid-10shot, which comes with the program.",
        autocompletion=complete_models,
    ),
]

_Support = Annotated[
    Path,
    typer.Option(help="A folder with a folder of pictures for each class; for regression a CSV file of x,y."),
]

_Query = Annotated[
    list[Path] | None,
    typer.Option(
        metavar="FILE",
        help="What to predict: pictures and folders of them; for regression CSV files of x. Repeatable.",
    ),
]

_Steps = Annotated[
    int | None,
    typer.Option(min=0, max=MAX_STEPS, help="Inner steps; as many as at test if left out."),
]


@app.command(
    "adapt",
    epilog="\b\nExamples:\n"
    "  maml adapt @last --support birds/ --query garden/*.jpg\n"
    "  maml adapt @last --support birds/ --query garden/ --csv > birds.csv\n"
    "  maml adapt sinusoid-10shot --support points.csv --query xs.csv --steps 5",
)
def adapt(
    model: _Model,
    support: _Support,
    more: Annotated[
        list[Path] | None, typer.Argument(metavar="FILE", help="More of what --query names.")
    ] = None,
    query: _Query = None,
    checkpoint: Annotated[Label | None, typer.Option(help="Whose parameters; the best if left out.")] = None,
    steps: _Steps = None,
    mode: Annotated[
        Literal["transductive", "inductive"] | None,
        typer.Option(help="Normalise queries together, or each alone."),
    ] = None,
    save: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write the adapted parameters to this safetensors file."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace that file if it exists.")] = False,
    as_json: AsJson = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV, with every class's probability.")] = False,
) -> None:
    """Adapt a model to a few examples of your own, and predict others.

    The classes are new ones, as many as the model tells apart; they may have different numbers of pictures.
    """
    if as_json and as_csv:
        raise UsageError("the predictions are printed once: choose --json or --csv")
    if more and not query:
        raise UsageError(f"{printable(more[0])}: say what it is with --support or --query")
    request = AdaptRequest(
        origin=find_origin(model, checkpoint),
        support=_place(support),
        queries=tuple(map(_place, [*(query or ()), *(more or ())])),
        steps=steps,
        mode=mode,
        save=None if save is None else _place(save),
        force=force,
    )
    report = ask(APPLY, request)
    assert isinstance(report, Classified | Fitted)  # noqa: S101 - what this is answered with
    say(summary(report))
    if as_json:
        emit_json(report)
    elif as_csv:
        print(to_csv(*for_programs(report)), end="")
    else:
        _show(report)


def _place(path: Path) -> str:
    return str(path.expanduser())


def _show(report: Classified | Fitted) -> None:
    columns, rows, notes = for_people(report)
    if rows:
        emit_table(columns, rows)
        emit_notes(notes)
