"""The one client of helper processes, which load torch so that this one need not; `engine.services.server` answers.

`ask` waits for an answer and `ask_async` lets other things go on; `conversation` and `AsyncClient` are the same with
several questions for one process.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Generic, cast

from engine.errors import MamlError
from engine.files import explain_os_errors, last_line
from engine.runs.launch import worker_environment
from engine.services.service import A, Q, Service

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping


_GRACE_SECONDS = 5.0
"""How long a process may clean up after SIGTERM."""

_MAX_ANSWER = 2**28


class NoAnswerError(MamlError):
    """The process died, or took too long, before it had answered."""


def ask(service: Service[Q, A], question: Q, environment: Mapping[str, str] | None = None) -> A:
    """Ask a process of its own, which gets `environment` (None: this process's), and wait for the answer.

    Raises:
        MamlError: In the process's own words, of the kind that it raised.
        ResourceError: The process cannot be started.
        NoAnswerError: It died, or took longer than the service may.
    """
    with conversation(service, environment) as talk:
        return talk(question)


@contextmanager
def conversation(
    service: Service[Q, A], environment: Mapping[str, str] | None = None
) -> Iterator[Callable[[Q], A]]:
    """Yield a function that asks one process and waits for the answer; args and errors are those of `ask`.

    The process ends with the block, also where Ctrl-C or SIGTERM ended the wait.
    """
    client = AsyncClient(service, os.environ if environment is None else environment, own_session=False)
    with asyncio.Runner() as runner:
        try:
            yield lambda question: cast("A", runner.run(client.ask(question)))
        finally:
            runner.run(client.close())


async def ask_async(service: Service[Q, A], question: Q, environment: Mapping[str, str]) -> A:
    """Ask a process in a session of its own; args and errors are those of `ask`. Cancelling ends the process."""
    client = AsyncClient(service, environment)
    try:
        return cast("A", await client.ask(question))  # None only where another question follows
    finally:
        await client.close()


def command(service: Service[Q, A]) -> list[str]:
    """Return the command line of a service's process."""
    # -P: a folder called `engine` where the user happens to stand must not be taken for ours.
    return [sys.executable, "-P", "-m", "engine.services", service.name]


@dataclass(frozen=True)
class _Child:
    """A process, and the file that takes what it writes to stderr."""

    process: asyncio.subprocess.Process
    log: IO[bytes]

    @property
    def answers(self) -> asyncio.StreamReader:
        return cast("asyncio.StreamReader", self.process.stdout)

    async def end(self) -> None:
        try:
            with suppress(ProcessLookupError):
                self.process.terminate()
            await self.wait()
        finally:
            with suppress(ProcessLookupError):
                self.process.kill()
            await self.process.wait()
            self.log.close()

    async def wait(self) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self.process.wait(), _GRACE_SECONDS)


class AsyncClient(Generic[Q, A]):
    """A conversation in which the newest question wins.

    The process is started by the first question, and again where it has died.

    Args:
        own_session: Whether nothing that is done to the terminal touches the process.
    """

    def __init__(
        self, service: Service[Q, A], environment: Mapping[str, str], *, own_session: bool = True
    ) -> None:
        self._service = service
        self._own_session = own_session
        self._environment = environment
        self._child: _Child | None = None
        self._turn = asyncio.Lock()
        self._newest = 0

    @property
    def pid(self) -> int | None:
        """The id of the process, or None while there is none."""
        return None if self._child is None else self._child.process.pid

    async def ask(self, question: Q) -> A | None:
        """Return the answer, or None where nobody waits for it any more: a newer question was asked, or `close` called.

        One question is in the process's hands at a time, so that a key held down builds up no queue. Errors are those
        of the function `ask`.
        """
        self._newest += 1
        number = self._newest
        async with self._turn:
            if number != self._newest:
                return None
            try:
                async with asyncio.timeout(self._service.timeout):
                    return await self._converse(number, question)
            except TimeoutError:
                await self.close()
                hint = self._service.hint and f": {self._service.hint}"
                raise NoAnswerError(
                    f"{self._service.title} gave no answer within {self._service.timeout:g} seconds{hint}"
                ) from None

    async def close(self) -> None:
        """End the process. A later question starts a new one."""
        child, self._child = self._child, None
        if child is not None:
            await child.end()

    async def _converse(self, number: int, question: Q) -> A | None:
        child = await self._living_child()
        # stdin stays open: a process whose asker has left ends.
        cast("asyncio.StreamWriter", child.process.stdin).write(self._service.ask_line(number, question))
        while line := await child.answers.readline():
            answered = self._service.read_answer(line)
            # The answer to an asker that was cancelled may still come first.
            if answered.id in (None, number):
                if answered.failure is not None:
                    raise answered.failure.error()
                return answered.result
        if child is not self._child:
            return None
        await child.wait()
        raise _died(self._service, child.process.returncode, child.log)

    async def _living_child(self) -> _Child:
        child = self._child
        if child is not None and child.process.returncode is None and not child.answers.at_eof():
            return child
        await self.close()
        with explain_os_errors(f"start {self._service.title}"):
            log = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the child
            process = await asyncio.create_subprocess_exec(
                *command(self._service),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=None if self._service.shows_progress else log,
                env=worker_environment(self._environment),
                start_new_session=self._own_session,
                limit=_MAX_ANSWER,
            )
        self._child = _Child(process, log)
        return self._child


def _died(service: Service[Q, A], status: int | None, log: IO[bytes]) -> NoAnswerError:
    """Return what to say of a process that closed its stdout before it had answered; status is None if it lives on."""
    if status is not None and status < 0:
        return NoAnswerError(f"{service.title} was ended by signal {-status} ({signal.strsignal(-status)})")
    return NoAnswerError(f"{service.title} ended without an answer (exit status {status}): {last_line(log)}")
