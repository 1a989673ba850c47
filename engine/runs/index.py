"""The runs on this machine: list them, find one by reference, remove one."""

from __future__ import annotations

import difflib
import os
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from engine.errors import ResourceError, UsageError
from engine.files import explain_os_errors
from engine.paths import runs_dir
from engine.runs.directory import RunDirectory
from engine.runs.events import LIVE_STATES
from engine.runs.processes import RunLock
from engine.runs.status import Status, current_status
from engine.text import printable


@dataclass(frozen=True)
class RunSummary:
    """A run and where it stands.

    Attributes:
        status: What a viewer may believe of it now; `lost`, without a name, if its status cannot be read.
    """

    run: RunDirectory
    status: Status


def list_runs(root: Path | None = None) -> list[RunSummary]:
    """Return all runs under `root` (`runs_dir()` if None), the newest first. Of each, only `status.json` is read.

    Raises:
        ResourceError: The folder cannot be read.
    """
    summaries = [summarise(run) for run in run_directories(root or runs_dir())]
    return sorted(summaries, key=lambda summary: (summary.status.created, summary.run.id), reverse=True)


def find_run(reference: str, root: Path | None = None) -> RunDirectory:
    """Return the run that a reference means.

    Args:
        reference: `@last` (the newest run); `@best` (see `_best`); a path with a slash in it; an id; a name (the newest
            run of that name); or the beginning of an id. The first of these that fits is taken.
        root: The folder that holds the runs; `runs_dir()` if None.

    Raises:
        UsageError: No run fits, or several ids begin like that.
        ResourceError: The folder cannot be read.
    """
    root = root or runs_dir()
    if "/" in reference:
        return _at_path(Path(reference))
    direct = RunDirectory(root / reference)
    if reference and not reference.startswith(".") and _is_run(direct):
        return direct
    summaries = list_runs(root)
    if not summaries:
        raise UsageError(f"There are no runs in {printable(root)} yet: start one with `maml train`.")
    if reference == "@last":
        return summaries[0].run
    if reference == "@best":
        return _best(summaries)
    named = [summary.run for summary in summaries if summary.status.name == reference]
    return named[0] if named else _by_prefix(reference, summaries)


def remove_run(run: RunDirectory) -> None:
    """Delete a run's folder.

    Raises:
        UsageError: It is live, or it is not a run.
        ResourceError: A worker holds it, or a file cannot be removed.
    """
    _at_path(run.path)
    if summarise(run).status.state in LIVE_STATES:
        raise UsageError(f"Run {printable(run.id)} is live: stop it before removing it.")
    RunLock(run).close()
    with explain_os_errors(f"remove {run.path}"):
        shutil.rmtree(run.path)


def run_directories(root: Path) -> list[RunDirectory]:
    """Return the folders under `root` that are runs, in no order.

    Raises:
        ResourceError: `root` cannot be read.
    """
    with explain_os_errors(f"read {root}"):
        try:
            with os.scandir(root) as entries:
                runs = [RunDirectory(Path(entry.path)) for entry in entries if not entry.name.startswith(".")]
        except FileNotFoundError:
            return []
        return [run for run in runs if _is_run(run)]


def _is_run(run: RunDirectory) -> bool:
    # Unlike Path.exists, this is False, not an error, for a folder we may not enter or a name no folder can have.
    return os.path.exists(run.config)  # noqa: PTH110


def summarise(run: RunDirectory) -> RunSummary:
    """Return `run` and where it stands, whatever state its files are in."""
    try:
        return RunSummary(run, current_status(run))
    except ResourceError as error:
        created = 0.0
        with suppress(OSError):  # it may be removed at this moment
            created = run.config.stat().st_mtime
        status = Status(name="", state="lost", reason=str(error), created=created, heartbeat=created)
        return RunSummary(run, status)


def _at_path(path: Path) -> RunDirectory:
    run = RunDirectory(path.absolute())
    if not _is_run(run):
        raise UsageError(f"{printable(path)} is not a run: it has no config.toml.")
    return run


def _best(summaries: list[RunSummary]) -> RunDirectory:
    """Return the finished run with the best validation value among those of the newest run's task and metric.

    Values of different tasks say nothing about each other, so the newest run sets which ones compete.
    """
    newest = summaries[0].status
    rivals = [
        (best, run)
        for run, status in ((summary.run, summary.status) for summary in summaries)
        if status.state == "done" and status.task == newest.task and status.metric == newest.metric
        if (best := status.best) is not None
    ]
    if not rivals:
        raise UsageError(
            "@best needs a finished, validated run of the newest run's task: name a run instead."
        )
    choose = min if newest.metric == "mse" else max
    return choose(rivals, key=lambda pair: pair[0])[1]


def _by_prefix(reference: str, summaries: list[RunSummary]) -> RunDirectory:
    fitting = [summary.run for summary in summaries if reference and summary.run.id.startswith(reference)]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        candidates = ", ".join(sorted(printable(run.id) for run in fitting)[:10])
        raise UsageError(
            f"{len(fitting)} runs have ids that begin with {printable(reference)!r}: {candidates}."
        )
    known = [word for summary in summaries for word in (summary.run.id, summary.status.name) if word]
    near = ", ".join(printable(word) for word in dict.fromkeys(difflib.get_close_matches(reference, known)))
    hint = f"did you mean {near}?" if near else "`maml runs ls` lists them all."
    raise UsageError(f"No run is called {printable(reference)!r}: {hint}")
