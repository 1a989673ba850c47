"""`maml data`: which image sets there are, how to get them, and whether they are sound."""

from __future__ import annotations

import json
import sys
import time
from contextlib import suppress
from pathlib import Path  # noqa: TC003 (typer reads the annotation)
from typing import TYPE_CHECKING, Annotated, Any

import typer

from engine.errors import ResourceError, UsageError
from engine.paths import data_dir
from engine.text import printable
from maml_tui.cli.output import emit_side_by_side

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from engine.data.splits import ClassSplit
    from engine.data.store import ImageSet, Imported

app = typer.Typer(help="Image data sets: list, get, import and check them.", no_args_is_help=True)

_COLUMNS = ("name", "status", "classes", "examples", "size", "split", "hash", "about")
_PATIENCE_S = 5.0


class Ticker:
    """Writes to stderr, every few seconds, how far an import is."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._said = clock()

    def __call__(self, done: str, count: int, total: int) -> None:
        """Say it, unless something was said just now."""
        if self._clock() - self._said >= _PATIENCE_S:
            self._said = self._clock()
            typer.echo(f"{done} {count:,} of {total:,}", err=True)


@app.command("ls")
def list_sets(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON array, full hashes.")] = False,
) -> None:
    """List the data sets that are installed or known."""
    from engine.data import image_sets, store

    sets = [_describe(name) for name in dict.fromkeys((*image_sets.ABOUT, *store.installed()))]
    if as_json:
        typer.echo(json.dumps(sets, indent=2))
    else:
        _print_table(sets)


@app.command("get")
def get(
    name: Annotated[str, typer.Argument(help="Which data set: omniglot.")],
    url: Annotated[
        str | None,
        typer.Option(
            envvar="MAML_OMNIGLOT_URL", help="Where a mirror keeps images_background.zip and its twin."
        ),
    ] = None,
) -> None:
    """Download a data set, check it against the published checksums and import it."""
    from engine.data import image_sets, store
    from engine.services.client import ask
    from engine.services.messages import DOWNLOAD, DownloadRequest

    if name not in image_sets.DOWNLOADABLE:
        raise UsageError(
            f"cannot download '{printable(name)}', only {', '.join(image_sets.DOWNLOADABLE)}: bring in a copy of "
            "yours with `maml data import`"
        )
    try:
        store.verify(name)
    except ResourceError:
        report = ask(DOWNLOAD, DownloadRequest(url=url))
        _report(store.Imported(store.load(name), report.warnings))
    else:
        typer.echo(f"{name} is already there and sound", err=True)
        typer.echo(data_dir() / name)


@app.command(
    "import",
    epilog="\b\nExamples:\n"
    "  maml data import omniglot ~/Downloads/images_background.zip\n"
    "  maml data import miniimagenet ~/mini-imagenet\n"
    "  maml data import birds ~/birds --size 64\n"
    "  maml data import birds ~/birds/labels.csv --split birds.toml",
)
def import_copy(
    name: Annotated[
        str, typer.Argument(help="omniglot, miniimagenet, or what to call pictures of your own.")
    ],
    path: Annotated[
        Path,
        typer.Argument(
            help="A folder of class folders, a CSV file of path,label, or a zip or tar of either."
        ),
    ],
    size: Annotated[
        int | None,
        typer.Option(
            min=16, max=256, help="Height and width; else the pictures' median shorter side, at most 84."
        ),
    ] = None,
    channels: Annotated[
        int | None,
        typer.Option(min=1, max=3, help="1 for grey, 3 for colour; else 1 where every picture is grey."),
    ] = None,
    split: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="TOML lists train, val and test of classes; else the top folders, or 60/20/20 %.",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Another seed is another 60/20/20 % of the classes.")] = 0,
    skip_broken: Annotated[
        bool, typer.Option("--skip-broken", help="Leave out pictures that cannot be read.")
    ] = False,
) -> None:
    """Import pictures that are on this machine, your own or a published set, and split their classes."""
    from engine.data import image_sets
    from engine.data.own_images import Choices

    if channels == 2:
        raise UsageError("pictures have 1 channel (grey) or 3 (colour): choose --channels 1 or 3")
    choices = Choices(size, channels, split, seed, skip_broken)
    _report(image_sets.import_copy(name, path.expanduser(), choices, Ticker()))


@app.command("check")
def check(
    name: Annotated[
        str | None, typer.Argument(help="Which data set; all installed ones if left out.")
    ] = None,
) -> None:
    """Read every pixel of a data set, compare it with its hash and fit its splits to it."""
    from engine.data import image_sets, store

    names = store.installed() if name is None else (name,)
    if not names:
        typer.echo("no data set is installed", err=True)
    failures: list[str] = []
    for each in names:
        try:
            checked = image_sets.check_image_set(each)
        except ResourceError as error:
            failures.append(str(error))
            continue
        _warn(checked.warnings)
        found = checked.image_set
        counts = f"{found.classes} classes\t{len(found.images)} examples"
        splits = ", ".join(f"{split.name} {_sizes(split)}" for split in checked.splits)
        typer.echo(f"{each}\tok\t{counts}\t{found.content_hash}\t{splits}")
    if failures:
        raise ResourceError("\n".join(failures))


@app.command("path")
def path_of(
    name: Annotated[
        str | None, typer.Argument(help="Which data set; the data directory if left out.")
    ] = None,
) -> None:
    """Print where data sets lie, or where one of them does."""
    if name is not None:
        from engine.data import store

        store.load(name)
    typer.echo(data_dir() / (name or ""))


def _describe(name: str) -> dict[str, Any]:
    from engine.data import image_sets, store, strokes

    described = dict.fromkeys((*_COLUMNS, "path")) | {"name": name, "about": image_sets.ABOUT.get(name)}
    if name not in store.installed():
        return described | {"status": "built in" if name == strokes.NAME else "not installed"}
    described["path"] = str(data_dir() / name)
    try:
        found = store.load(name)
    except ResourceError:
        return described | {"status": "damaged"}
    return described | {
        "status": "installed",
        "classes": found.classes,
        "examples": len(found.images),
        "size": "x".join(map(str, found.images.shape[1:])),
        "split": _splits(found),
        "hash": found.content_hash,
        "about": described["about"] or found.source,
    }


def _splits(image_set: ImageSet) -> str | None:
    from engine.data.splits import splits_of

    with suppress(UsageError):  # fewer classes than parts
        return ", ".join(map(_sizes, splits_of(image_set)))
    return None


def _sizes(split: ClassSplit) -> str:
    return "/".join(str(len(classes)) for classes in split.parts().values())


def _print_table(sets: list[dict[str, Any]]) -> None:
    rows = [[_cell(column, found[column]) for column in _COLUMNS] for found in sets]
    if sys.stdout.isatty():
        emit_side_by_side(_COLUMNS, rows)
    else:
        for line in (_COLUMNS, *rows):
            typer.echo("\t".join(line))


def _cell(column: str, value: object) -> str:
    text = "-" if value is None else printable(value)
    return text[:12] if column == "hash" else text


def _warn(warnings: Sequence[str]) -> None:
    for warning in warnings:
        typer.echo(f"warning: {warning}", err=True)


def _report(imported: Imported) -> None:
    found = imported.image_set
    _warn(imported.warnings)
    size = "x".join(map(str, found.images.shape[1:]))
    split = _splits(found)
    typer.echo(
        f"{found.name}: {found.classes} classes, {len(found.images)} examples of {size}, split {split}",
        err=True,
    )
    typer.echo(data_dir() / found.name)
