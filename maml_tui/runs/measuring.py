"""Measuring runs by a protocol of one's own, each in a short-lived process of its own."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from typing import TYPE_CHECKING

from pydantic import ValidationError

from engine.errors import DivergedError, MamlError, ResourceError, UsageError
from engine.files import explain_os_errors
from engine.runs.launch import worker_environment
from engine.services.messages import Report
from engine.text import printable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.config.schema import RunConfig
    from engine.runs.directory import RunDirectory
    from engine.runs.result import CheckpointName

Overrides = dict[str, object]
"""What the evaluator is asked to do differently than a run's configuration says."""

_ERRORS = {error.exit_code: error for error in (UsageError, ResourceError, DivergedError)}


def evaluator_command(run: RunDirectory, overrides: Overrides) -> list[str]:
    """Return the command line that measures a run."""
    # -P: a folder called `engine` where the user happens to stand must not be taken for ours.
    return [sys.executable, "-P", "-m", "engine.services.evaluate", str(run.path), json.dumps(overrides)]


def read_report(exit_status: int, output: str, errors: str) -> Report:
    """Return what an evaluator that has ended reports.

    Args:
        exit_status: How it ended.
        output: Its stdout.
        errors: Its stderr.

    Raises:
        MamlError: It failed; in its own words and with its exit code.
    """
    if exit_status != 0:
        words = errors.strip().splitlines() or [f"the evaluation ended with exit status {exit_status}"]
        raise _ERRORS.get(exit_status, MamlError)(printable(words[-1]))
    try:
        return Report.model_validate_json(output)
    except ValidationError as error:
        raise MamlError(f"the evaluation's report cannot be understood: {printable(error)}") from error


def measure(run: RunDirectory, overrides: Overrides) -> Report:
    """Measure a run and wait for it.

    Raises:
        MamlError: In the evaluator's own words and with its exit code.
    """
    command = evaluator_command(run, overrides)
    ended = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    return read_report(ended.returncode, ended.stdout, ended.stderr)


def same_for_all(config: RunConfig, at: CheckpointName, chosen: Mapping[str, object]) -> Overrides:
    """Return what to ask the evaluator for each of several runs, so that they meet the same tasks.

    Args:
        config: The configuration of the first run, which all are measured by.
        at: Whose parameters.
        chosen: What to do differently, by the names of the evaluator's overrides; None for no difference.
    """
    evaluation = config.evaluation
    usual = {
        "tasks": evaluation.eval_tasks,
        "steps": evaluation.eval_steps,
        "shots": config.task.shots,
        "queries": evaluation.eval_queries,
        "seed": evaluation.eval_seed,
        **({} if config.is_regression else {"mode": evaluation.eval_mode}),
    }
    asked = {**usual, **{name: value for name, value in chosen.items() if value is not None}}
    return {**asked, "scored": asked["steps"], "checkpoint": ["latest" if at == "last" else "best"]}


async def measure_apart(run: RunDirectory, overrides: Overrides, environment: Mapping[str, str]) -> Report:
    """Measure a run while other things go on; cancelling ends the evaluator.

    Args:
        run: The run.
        overrides: What to ask the evaluator.
        environment: For its process.

    Raises:
        MamlError: In the evaluator's own words and with its exit code.
    """
    with explain_os_errors("start a process that measures"):
        process = await asyncio.create_subprocess_exec(
            *evaluator_command(run, overrides),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=worker_environment(environment),
            start_new_session=True,
        )
    try:
        output, errors = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return read_report(process.returncode or 0, output.decode(), errors.decode(errors="replace"))
