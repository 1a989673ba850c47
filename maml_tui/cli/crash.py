"""Keeping the details of an unexpected error for a report, without showing them to the person."""

from __future__ import annotations

import os
import platform
import sys
import time
import traceback
from typing import TYPE_CHECKING

from engine.files import private_dir, write_atomic
from engine.paths import state_dir
from maml_tui import __version__

if TYPE_CHECKING:
    from pathlib import Path


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
