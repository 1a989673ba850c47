"""A followed run as its journal's own lines."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.runs.events import Event
    from engine.runs.status import Status


class JsonView:
    """Writes the lines of the journal to stdout, byte for byte, and nothing else."""

    def show(self, lines: Sequence[bytes], events: Sequence[Event], status: Status) -> None:  # noqa: ARG002
        """Write `lines`."""
        for line in lines:
            sys.stdout.buffer.write(line + b"\n")
        sys.stdout.buffer.flush()

    def close(self) -> None:
        """Nothing is left to be done."""
