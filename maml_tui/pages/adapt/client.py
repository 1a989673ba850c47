"""The other end of `python -m engine.services.explore`: torch stays in that process, out of the one that draws."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

from engine.errors import ResourceError
from engine.files import explain_os_errors
from engine.runs.launch import worker_environment
from engine.services.explore_messages import ANSWER
from engine.text import printable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.runs.directory import RunDirectory
    from engine.services.explore_messages import Answer, Question

# -P: a folder called `engine` where the user happens to stand must not be taken for ours.
_COMMAND = (sys.executable, "-P", "-m", "engine.services.explore")
_LONGEST_ANSWER = 2**28
_LOG_TAIL = 4096


@dataclass(frozen=True)
class _Child:
    """A process, and the file that takes what it writes to stderr."""

    process: asyncio.subprocess.Process
    log: IO[bytes]

    async def end(self) -> None:
        with suppress(ProcessLookupError):
            self.process.kill()
        await self.process.wait()
        self.log.close()

    async def why_it_ended(self) -> str:
        status = await self.process.wait()
        if status < 0:
            return f"the process that adapts was ended by signal {-status} ({signal.strsignal(-status)})"
        self.log.seek(max(0, self.log.seek(0, os.SEEK_END) - _LOG_TAIL))
        lines = self.log.read().decode(errors="replace").split("\n")
        last = next(
            (printable(line.strip()) for line in reversed(lines) if line.strip()), "it left no message"
        )
        return f"the process that adapts ended with exit status {status}: {last}"


class AdaptationClient:
    """Asks questions about one run. The process is started by the first question, and again where it has died.

    Args:
        run: The run.
        environment: The environment of the process.
    """

    def __init__(self, run: RunDirectory, environment: Mapping[str, str]) -> None:
        self._run = run
        self._environment = environment
        self._child: _Child | None = None
        self._turn = asyncio.Lock()
        self._newest = 0

    @property
    def pid(self) -> int | None:
        """The id of the process, or None while there is none."""
        return None if self._child is None else self._child.process.pid

    async def ask(self, question: Question) -> Answer | None:
        """Return the answer, or None where nobody waits for it any more: a newer question was asked, or `close` called.

        One question is in the process's hands at a time, so that a key held down builds up no queue.

        Raises:
            ResourceError: The process cannot be started, or died.
        """
        self._newest += 1
        question = question.model_copy(update={"id": self._newest})
        async with self._turn:
            return await self._converse(question) if question.id == self._newest else None

    async def close(self) -> None:
        """End the process. A later question starts a new one."""
        child, self._child = self._child, None
        if child is not None:
            await child.end()

    async def _converse(self, question: Question) -> Answer | None:
        child = await self._living_child()
        assert child.process.stdin is not None  # noqa: S101  both are pipes
        assert child.process.stdout is not None  # noqa: S101
        child.process.stdin.write(question.model_dump_json().encode() + b"\n")
        while line := await child.process.stdout.readline():
            answer = ANSWER.validate_json(line)
            # The answer to an asker that was cancelled may still come first.
            if answer.id in (None, question.id):
                return answer
        if child is not self._child:
            return None
        raise ResourceError(await child.why_it_ended())

    async def _living_child(self) -> _Child:
        if self._child is None or self._child.process.returncode is not None:
            await self.close()
            with explain_os_errors("start the process that adapts"):
                self._child = await self._start()
        return self._child

    async def _start(self) -> _Child:
        log = tempfile.TemporaryFile()  # noqa: SIM115  closed with the child
        process = await asyncio.create_subprocess_exec(
            *_COMMAND,
            str(self._run.path),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=log,
            env=worker_environment(self._environment),
            start_new_session=True,
            limit=_LONGEST_ANSWER,
        )
        return _Child(process, log)
