"""Files that the application leaves for a person: what was copied, and pictures of the screen."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from engine.files import private_dir, write_atomic
from engine.paths import state_dir

if TYPE_CHECKING:
    from pathlib import Path


def keep_copy(text: str) -> Path:
    """Write what was copied last to a file, for terminals that copy nothing, and return the file.

    Raises:
        ResourceError: It cannot be written.
    """
    path = private_dir(state_dir()) / "copied.txt"
    write_atomic(path, text)
    return path


def keep_picture(svg: str) -> Path:
    """Write a picture of the screen and return the file.

    Raises:
        ResourceError: It cannot be written.
    """
    path = private_dir(state_dir() / "exports") / f"screen-{time.strftime('%Y%m%d-%H%M%S')}.svg"
    write_atomic(path, svg)
    return path
