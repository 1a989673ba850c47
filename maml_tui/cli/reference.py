"""The argument that names a run."""

from __future__ import annotations

from typing import Annotated

import typer

from maml_tui.cli import complete

_HELP = "Id or its beginning, name, path, @last or @best."

Run = Annotated[str, typer.Argument(metavar="RUN", help=_HELP, autocompletion=complete.runs)]
"""A run that may be left out."""

NamedRun = Annotated[str, typer.Argument(metavar="RUN", help=_HELP, autocompletion=complete.runs)]
"""A run that must be named."""

LAST = "@last"
