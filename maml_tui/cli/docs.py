"""`maml docs`: the documentation that comes with the program."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
from typing import Annotated

import typer

from engine.catalogue.documentation import describe_catalogue
from engine.errors import UsageError
from engine.paths import assets_dir
from engine.text import nearest
from maml_tui.cli.output import emit_table, is_terminal, room

_MAX_WIDTH = 100
"""Longer lines are hard to read, however wide the terminal."""

app = typer.Typer()


def pages() -> dict[str, str]:
    """Return the pages of the documentation as Markdown, by name and sorted; `catalogue` is made on the spot."""
    texts = {path.stem: path.read_text(encoding="utf-8") for path in (assets_dir() / "docs").glob("*.md")}
    return dict(sorted({**texts, "catalogue": describe_catalogue()}.items()))


def _completed(incomplete: str) -> list[tuple[str, str]]:
    return [(name, _title(text)) for name, text in pages().items() if name.startswith(incomplete)]


@app.command(
    "docs", epilog="\b\nExamples:\n  maml docs\n  maml docs training\n  maml docs events | grep -A 9 started"
)
def show_docs(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="PAGE", help="The page to read; without it, all are listed.", autocompletion=_completed
        ),
    ] = None,
) -> None:
    """Read the documentation: list its pages, or show one of them.

    A terminal shows the page formatted, in your pager (PAGER, else less); a pipe gets the Markdown itself.
    """
    if name is None:
        emit_table(("page", "about"), [(page, _title(text)) for page, text in pages().items()])
        return
    text = pages().get(name.removesuffix(".md"))
    if text is None:
        raise UsageError(f"no page is called {name!r}{nearest(name, pages())}; see: maml docs")
    if is_terminal(sys.stdout):
        _page(_formatted(text))
    else:
        print(text, end="")


def _title(text: str) -> str:
    return text.partition("\n")[0].lstrip("#").strip()


def _formatted(text: str) -> str:
    from rich.console import Console  # loaded for terminals only: it is most of the start-up time
    from rich.markdown import Markdown

    console = Console(width=min(room(), _MAX_WIDTH))
    with console.capture() as capture:
        console.print(Markdown(text, hyperlinks=False))
    return capture.get()


def _page(text: str) -> None:
    """Show a text in the user's pager; print it where there is none."""
    words = shlex.split(os.environ.get("PAGER", "")) or ["less"]
    program = shutil.which(words[0])
    if program is None:
        print(text, end="")
        return
    # less: keep colours, print what fits on the screen and leave it there
    environment = {"LESS": "-RFX", **os.environ}
    with subprocess.Popen([program, *words[1:]], stdin=subprocess.PIPE, env=environment) as pager:
        # Ctrl-C belongs to the pager now.
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            pager.communicate(text.encode())
        finally:
            signal.signal(signal.SIGINT, before)
