"""Asking `engine.services.estimate` what a run would cost. torch stays in that process."""

from __future__ import annotations

import asyncio
import signal
import sys
from asyncio.subprocess import PIPE
from contextlib import suppress
from typing import TYPE_CHECKING

from pydantic import ValidationError

from engine.errors import DivergedError, MamlError, ResourceError, UsageError
from engine.files import explain_os_errors
from engine.runs.launch import worker_environment
from engine.services.messages import Costs, Question
from engine.text import printable

if TYPE_CHECKING:
    from collections.abc import Mapping

_ERRORS = {error.exit_code: error for error in (UsageError, ResourceError, DivergedError)}


async def measure(question: Question, environment: Mapping[str, str]) -> Costs:
    """Return what a run would cost. The process is killed if the caller is cancelled.

    Args:
        question: What to measure.
        environment: The environment of the process.

    Raises:
        MamlError: In the process's own words.
    """
    with explain_os_errors("start the process that measures"):
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "engine.services.estimate"),
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
            env=worker_environment(environment),
            start_new_session=True,
        )
    try:
        out, words = await process.communicate(question.model_dump_json().encode())
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
    return _answer(process.returncode or 0, out, words.decode(errors="replace"))


def _answer(exit_status: int, out: bytes, words: str) -> Costs:
    if exit_status == 0:
        try:
            return Costs.model_validate_json(out)
        except ValidationError as error:
            raise MamlError("the process that measures gave an answer that makes no sense") from error
    if exit_status < 0:
        raise ResourceError(
            f"the process that measures was ended by signal {-exit_status} ({signal.strsignal(-exit_status)})"
        )
    lines = [line.strip() for line in words.splitlines() if line.strip()]
    last = lines[-1] if lines else f"the process that measures ended with exit status {exit_status}"
    raise _ERRORS.get(exit_status, MamlError)(printable(last))
