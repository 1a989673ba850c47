"""Opening the application: what must be true before, and what is told after."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from engine.errors import MamlError
from engine.paths import config_dir
from engine.runs.events import LIVE_STATES
from engine.runs.status import current_status
from maml_tui.app.settings import read_settings
from maml_tui.app.terminal import Terminal, prepare_textual, require_terminal

if TYPE_CHECKING:
    from engine.runs.directory import RunDirectory


def open_app(run: RunDirectory | None = None, readonly: bool = False) -> int:
    """Open the application, on a run if one is given, until it is left.

    Returns:
        0, or 128 + the signal that ended it. Runs go on in any case.

    Raises:
        UsageError: There is no terminal, or the settings are wrong.
        Exception: A defect of the program.
    """
    require_terminal(os.environ)
    environment = dict(os.environ)  # Textual takes NO_COLOR out of its own
    settings = read_settings(config_dir() / "config.toml", environment)
    terminal = Terminal.of(environment)
    prepare_textual(os.environ, terminal)

    from maml_tui.app.app import MamlApp  # only now: Textual reads the environment when it is imported

    app = MamlApp(settings, terminal, environment, run, readonly)
    app.run()
    if app.defect is not None:
        raise app.defect
    if app.watched is not None:
        _tell_how_to_come_back(app.watched.run)
    return app.return_code or 0


def _tell_how_to_come_back(run: RunDirectory) -> None:
    try:
        status = current_status(run)
    except MamlError:
        return
    if status.state in LIVE_STATES:
        print(f"maml: run {run.id} goes on; come back: maml attach {run.id}", file=sys.stderr)
