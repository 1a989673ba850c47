"""The server end of every helper process: one JSON line of answer for each JSON line of question.

A user's own network or task runs in some of these processes and can say, take or break anything. So the lines travel on
descriptors of their own, on which nothing that the code prints, reads or forks can end up. The process ends with its
stdin: when the asker is gone, however it ended, nothing is computed for nobody.
"""

from __future__ import annotations

import os
import signal
import sys
import sysconfig
import threading
import time
import traceback
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Generic, NoReturn

from engine.errors import MamlError, ResourceError, UsageError
from engine.services.service import A, Answered, Failure, Q, Service

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

_STDLIB = sysconfig.get_path("stdlib")
_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGALRM)
_AGAIN_SECONDS = 2
_GRACE_SECONDS = 4.0
"""How long a computation that nobody waits for may clear up."""


@dataclass(frozen=True)
class Handler(Generic[Q, A]):
    """What a service does.

    Attributes:
        answer: From a question to the result. What it raises becomes a failure; see `explain`.
        remedy: What takes less memory.
    """

    service: Service[Q, A]
    answer: Callable[[Q], A]
    remedy: str = "close what else takes memory"


def reply(load: Callable[[], Handler[Any, Any]], line: bytes) -> bytes:
    """Return the line that answers a line; whatever goes wrong is an answer, too.

    Args:
        load: Returns the handler. It is called for each line and may fail.
    """
    number, remedy = None, ""
    try:
        handler = load()
        remedy, service = handler.remedy, handler.service
        asked = service.read_question(line)
        number = asked.id
        return service.answer_line(Answered(id=number, result=handler.answer(asked.question)))
    except _EndedError:
        raise
    except BaseException as error:  # such as the SystemExit of a user's own code
        told = explain(error, remedy)
        failure = Failure(sentence=str(told), exit_code=told.exit_code)
        return Answered[None](id=number, failure=failure).model_dump_json().encode() + b"\n"


def explain(error: BaseException, remedy: str) -> MamlError:
    """Return whatever was raised as an error that says it in words; a defect leaves its traceback on stderr."""
    if isinstance(error, MamlError):
        return error
    words = (str(error).strip().splitlines() or [""])[0]
    if _is_out_of_memory(error):
        return ResourceError(f"out of memory: {remedy} ({words or type(error).__name__})")
    place = _place(error)
    if isinstance(error, SystemExit):
        return UsageError(f"the code called sys.exit({error.code!r}) ({place}): remove that call")
    with suppress(Exception):  # a user's own code may have closed stderr
        traceback.print_exception(error)
    return MamlError(f"unexpected error, a defect of this program: {type(error).__name__}: {words} ({place})")


def _is_out_of_memory(error: BaseException) -> bool:
    if isinstance(error, MemoryError):
        return True
    if "torch" not in sys.modules:
        return False
    from engine.acceleration.device import is_out_of_memory

    return is_out_of_memory(error)


def _place(error: BaseException) -> str:
    """Return the innermost line that raised and is not Python's own: parse_args() is no place to look for an error."""
    frames = traceback.extract_tb(error.__traceback__)
    *_, last = [frame for frame in frames if not frame.filename.startswith(_STDLIB)] or frames
    return f"{Path(last.filename).name}, line {last.lineno}"


def serve(load: Callable[[], Handler[Any, Any]]) -> NoReturn:
    """Answer the lines on stdin until it ends, and end this process.

    Args:
        load: Returns the handler; importing torch belongs in here, so that a failure to do so becomes an answer.
    """
    process, code = os.getpid(), 0
    questions, answers = _private_descriptors()
    try:
        for number in _SIGNALS:
            signal.signal(number, _end)
        asker, stream = _Asker(questions), open(answers, "wb", closefd=False)  # noqa: SIM115
        while (line := asker.lines.get()) is not None:
            answer = reply(load, line)
            if os.getpid() != process:
                break  # a child that own code forked has come back to here
            stream.write(answer)
            stream.flush()
            asker.answered += 1
    except _EndedError as ended:
        code = ended.exit_code
    except OSError:
        code = 1  # nobody reads the answer
    with suppress(Exception):
        sys.stderr.flush()
    os._exit(code)  # at once, whatever threads a user's own code has left running


class _EndedError(BaseException):
    """A signal asked this process to end. No `SystemExit`, which is taken for one of a user's own code."""

    def __init__(self, number: int) -> None:
        self.exit_code = 128 + number


def _end(number: int, _: FrameType | None) -> None:
    # A second signal must not interrupt the clearing up; but an exception that a destructor swallowed is raised again.
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, signal.SIG_IGN)
    signal.alarm(_AGAIN_SECONDS)
    raise _EndedError(number)


class _Asker:
    """Reads the questions in a thread, so that the end of stdin is seen while an answer is computed.

    Attributes:
        lines: The questions; None after the last.
        answered: How many of them have been.
    """

    def __init__(self, descriptor: int) -> None:
        self.lines: SimpleQueue[bytes | None] = SimpleQueue()
        self.answered = 0
        threading.Thread(target=self._read, args=(descriptor,), daemon=True).start()

    def _read(self, descriptor: int) -> None:
        # A signal must reach the main thread, whose waiting it interrupts.
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        asked = 0
        with open(descriptor, "rb", closefd=False) as stream:
            for line in stream:
                asked += 1
                self.lines.put(line)
        self.lines.put(None)
        if self.answered < asked:
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGTERM)
            time.sleep(_GRACE_SECONDS)
            os._exit(128 + signal.SIGTERM)


def _private_descriptors() -> tuple[int, int]:
    """Move stdin and stdout to descriptors that only this process has, and return them.

    What anybody else reads is empty, and what they print goes to stderr.
    """
    private = os.dup(0), os.dup(1)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    held = list(private)

    def close() -> None:
        while held:  # nothing in a grandchild, where these numbers may be other files
            os.close(held.pop())

    # A forked child that lives on must keep neither end of the conversation open.
    os.register_at_fork(after_in_child=close)
    return private
