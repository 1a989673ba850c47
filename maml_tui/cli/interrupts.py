"""Ctrl-C and SIGTERM while a run is followed in the foreground: it stops with a checkpoint before this ends."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Any, Self

from engine.runs.control import request
from maml_tui.cli.output import say

if TYPE_CHECKING:
    from types import FrameType

    from engine.runs.directory import RunDirectory
    from engine.runs.status import Status

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupts:
    """Catches the signals while entered.

    Attributes:
        received: The numbers of the signals so far.
        asked: Whether the run has been asked to stop.
    """

    def __init__(self, run: RunDirectory) -> None:
        self.received: list[int] = []
        self._run = run
        self._told = False
        self.asked = False
        self._before: dict[int, Any] = {}

    @property
    def exit_code(self) -> int:
        """What a process ended by the first signal exits with; 0 if there was none."""
        return 128 + self.received[0] if self.received else 0

    def obey(self, status: Status, worker: int) -> bool:
        """Do what the signals want and return whether to leave at once.

        Args:
            status: Where the run stands.
            worker: Process id of its worker, which answers requests only once it trains.
        """
        if self.received and not self._told:
            self._told = True
            say(f"stopping run {self._run.id} with a checkpoint (once more: leave without waiting)")
        if (
            self.received
            and not self.asked
            and status.pid == worker
            and status.state in ("running", "paused", "stopping")
        ):
            request(self._run, "stop", "now")
            self.asked = True
        return len(self.received) > 1

    def __enter__(self) -> Self:
        self._before = {number: signal.signal(number, self._note) for number in _SIGNALS}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, number: int, _: FrameType | None) -> None:
        self.received.append(number)
