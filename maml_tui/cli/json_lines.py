"""A followed run as its journal's own lines."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.runs.events import Event
    from engine.runs.status import Status


class JsonView:
    """Writes the lines of the journal that are JSON to stdout, byte for byte, and nothing else."""

    def show(self, lines: Sequence[bytes], events: Sequence[Event], status: Status) -> None:  # noqa: ARG002
        """Write `lines`."""
        for line in filter(_is_json, lines):
            sys.stdout.buffer.write(line + b"\n")
        sys.stdout.buffer.flush()

    def close(self) -> None:
        """Nothing is left to be done."""


def _is_json(line: bytes) -> bool:
    """Tell damage from records; those of a newer program are records too."""
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True
