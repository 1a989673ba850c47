"""Being asked to stop: by a request or by a signal, gracefully or now."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import FrameType

    from engine.runs.requests import StopMode


@dataclass
class Stop:
    """What has been asked for so far.

    Attributes:
        mode: How to stop, None to go on. Once it is `now`, nothing softer replaces it.
        reason: Who asked, in words.
    """

    mode: StopMode | None = None
    reason: str = ""

    def ask(self, mode: StopMode | None, reason: str) -> None:
        """Take note of a wish to stop."""
        if self.mode != "now":
            self.mode, self.reason = mode, reason

    def heed_signals(self) -> None:
        """From here on SIGTERM and SIGINT ask to stop now; a second one ends the process at once."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._handle)

    def _handle(self, number: int, _: FrameType | None) -> None:
        if self.reason.startswith("by SIG"):
            os._exit(128 + number)
        self.ask("now", f"by {signal.Signals(number).name}")
        self.reason = f"by {signal.Signals(number).name}"
