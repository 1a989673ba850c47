"""What commands write: lines, tables and JSON on stdout, messages on stderr, and the log of a crash."""

from __future__ import annotations

import enum
import json
import os
import platform
import shutil
import sys
import time
import traceback
from typing import TYPE_CHECKING, TextIO

from engine.files import private_dir, write_atomic
from engine.paths import state_dir
from engine.text import printable
from maml_tui import __version__
from maml_tui.reports.text_table import GAP, aligned, cell_width, column_widths, padded, table_width, wrapped

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from maml_tui.reports.results import ResultTable

_MIN_TEXT_WIDTH = 20
"""Where there is room for fewer columns of words, they are left to the terminal."""


class Mode(enum.Enum):
    """How a run is shown while it is followed."""

    HUMAN = "human"
    PLAIN = "plain"
    JSON = "json"
    SILENT = "silent"


def choose_mode(*, plain: bool, as_json: bool) -> Mode:
    """Return the mode asked for, else `HUMAN` where a person looks on and `PLAIN` where a pipe does."""
    if as_json:
        return Mode.JSON
    return Mode.HUMAN if not plain and is_terminal(sys.stdout) and is_terminal(sys.stderr) else Mode.PLAIN


def is_terminal(stream: TextIO) -> bool:
    """Return whether `stream` is a terminal that can do more than print lines."""
    return stream.isatty() and os.environ.get("TERM", "") not in ("", "dumb", "unknown")


def say(text: str) -> None:
    """Tell the person at the terminal something, one `maml: ` line for each line of `text`."""
    for line in text.splitlines():
        print(f"maml: {printable(line)}", file=sys.stderr, flush=True)


def emit(text: str, style: str = "") -> None:
    """Write a line of data, in a Rich `style` if stdout is a terminal; control characters are escaped."""
    line = printable(text)
    if not style or not is_terminal(sys.stdout):
        print(line)
        return
    from rich.console import Console  # loaded for terminals only: it is most of the start-up time
    from rich.text import Text

    Console().print(Text(line, style=style), soft_wrap=True)


def emit_json(value: object) -> None:
    """Write one value as indented JSON; see `json_value`."""
    from maml_tui.reports.result_files import json_value

    print(json.dumps(json_value(value), indent=2, ensure_ascii=False))


def emit_table(columns: Sequence[str], rows: Sequence[Sequence[str]], strong: int | None = None) -> None:
    """Write a table as aligned text under a line of headings, the row with index `strong` emphasised.

    Where there is no room for the words of the last column, they are wrapped.
    """
    left = room() - sum(width + GAP for width in column_widths((columns, *rows))[:-1])
    lines: list[Sequence[str]] = []
    styles: list[str] = []
    for index, (*cells, words) in enumerate((columns, *rows)):
        first, *others = _wrapped(words, left)
        lines += [(*cells, first), *((*[""] * len(cells), more) for more in others)]
        styles += ["bold" if index in (0, None if strong is None else strong + 1) else ""] * (1 + len(others))
    for line, style in zip(aligned(lines), styles, strict=True):
        emit(line, style)


def emit_side_by_side(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Write a table; columns that have no room beside the others follow below, beside the first one again."""
    start = 1
    while start < len(columns):
        stop = start + 1
        while stop < len(columns) and table_width(_chosen((columns, *rows), start, stop + 1)) <= room():
            stop += 1
        if start > 1:
            emit("")
        headings, *others = _chosen((columns, *rows), start, stop)
        emit_table(headings, others)
        start = stop


def emit_notes(notes: Iterable[str], style: str = "dim") -> None:
    """Write sentences, such as those below a table, wrapped to the room there is."""
    for note in notes:
        for line in _wrapped(note, room(), indent="  "):
            emit(line, style)


def emit_facts(facts: Sequence[tuple[str, str]], whole: str) -> None:
    """Write values beside their names, wrapped to the room there is, but the one called `whole`: it is to be copied."""
    width = max(cell_width(name) for name, _ in facts) + GAP
    for name, value in facts:
        lines = [value] if name == whole else _wrapped(value, room() - width)
        for place, words in enumerate(lines):
            emit(padded("" if place else name, width) + words)


def emit_result(tables: Sequence[ResultTable]) -> None:
    """Write result tables, one below the other, and the sentences below each."""
    for place, table in enumerate(tables):
        if place:
            emit("")
        emit_table(table.columns, table.rows, table.scored)
        emit_notes(table.notes)


def room() -> int:
    """Return the columns that stdout has: those of its terminal, or any number in a pipe or a file."""
    return shutil.get_terminal_size().columns if is_terminal(sys.stdout) else sys.maxsize


def _chosen(rows: Sequence[Sequence[str]], start: int, stop: int) -> list[list[str]]:
    """Return the first column of a table and those from `start` to before `stop`."""
    return [[row[0], *row[start:stop]] for row in rows]


def _wrapped(text: str, width: int, indent: str = "") -> list[str]:
    """Return a text in lines of whole words, all but the first indented."""
    if cell_width(text) <= width or width < _MIN_TEXT_WIDTH:
        return [text]
    return wrapped(text, width, indent)


def write_crash_log(error: Exception) -> Path:
    """Write the traceback of `error` into the state directory and return the file.

    Raises:
        ResourceError: It cannot be written.
    """
    path = private_dir(state_dir()) / f"crash-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}.log"
    header = (
        f"maml-tui {__version__}, Python {platform.python_version()}, {platform.platform()}\n{sys.argv}\n\n"
    )
    write_atomic(path, header + "".join(traceback.format_exception(error)))
    return path
