"""The folder of a run: which file lies where, and how a new one comes to be."""

from __future__ import annotations

import re
import secrets
import shutil
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.errors import ResourceError, UsageError
from engine.files import explain_os_errors, private_dir, write_atomic
from engine.paths import runs_dir
from engine.runs.status import Status, write_status
from engine.text import printable

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_HALF = re.compile(
    r"\.(config\.toml|events\.jsonl|(status|result|scores|latest|best)\.json|iter-\w+-\w+\.pt)\.\w{8}"
)
_ID_DIGITS = (4, 6, 8)
_TRIES_PER_LENGTH = 8


class _Inside:
    """The path of a file or folder of the run, by its name."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, run: RunDirectory, _: type[RunDirectory]) -> Path:
        return run.path / self._name


@dataclass(frozen=True)
class RunDirectory:
    """One run's folder. Holds no state: its paths are the same whether or not something is there."""

    path: Path

    config = _Inside("config.toml")
    """The resolved configuration. Written last, so a folder is a run once it is there."""
    events = _Inside("events.jsonl")
    """The journal, to which records are appended."""
    status = _Inside("status.json")
    """The snapshot of where the run stands."""
    control = _Inside("control")
    """The folder of requests to the worker."""
    checkpoints = _Inside("checkpoints")
    """The folder of parameters and optimiser states."""
    result = _Inside("result.json")
    """What was measured at the end."""
    scores = _Inside("scores.json")
    """The same, task by task."""
    log = _Inside("worker.log")
    """What the worker process printed."""
    lock = _Inside("worker.lock")
    """The file a worker keeps locked for its whole life."""

    @property
    def id(self) -> str:
        """The run's id: the name of its folder."""
        return self.path.name

    def make_inside(self, folder: Path) -> Path:
        """Make one of the run's own folders if a copy lost it. A run that was removed is never half made again.

        Raises:
            ResourceError: The folder cannot be made.
        """
        with explain_os_errors(f"make the folder {folder}"):
            folder.mkdir(mode=0o700, exist_ok=True)
        return folder

    def remove_halves(self) -> None:
        """Remove what workers that were killed while they wrote left of those files; for the holder of the lock only.

        Raises:
            ResourceError: One cannot be removed.
        """
        with explain_os_errors(f"remove halves of files in {self.path}"):
            for path in (*self.path.glob(".*"), *self.checkpoints.glob(".*")):
                if _HALF.fullmatch(path.name):
                    path.unlink(missing_ok=True)


def check_name(name: str) -> str:
    """Return `name` if it can name a run.

    Raises:
        UsageError: It is not 1 to 64 letters, digits, dots, dashes and underscores, starting with a letter or digit.
    """
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"{printable(name)!r} cannot name a run: use 1 to 64 letters, digits, '.', '-' or '_', "
            "starting with a letter or digit."
        )
    return name


def create_run(
    name: str,
    config_text: Callable[[str], str],
    root: Path | None = None,
    clock: Callable[[], float] = time.time,
) -> RunDirectory:
    """Make the folder of a new run, in the state `queued`. Safe against other processes doing the same.

    Args:
        name: Shown to people; need not be unique.
        config_text: Makes the text of `config.toml` from the run's id.
        root: The folder that holds the runs; `runs_dir()` if None.

    Raises:
        UsageError: The name cannot name a run.
        ResourceError: The folder cannot be made.
    """
    check_name(name)
    run = _claim_folder(private_dir(root or runs_dir()))
    try:
        run.make_inside(run.control)
        run.make_inside(run.checkpoints)
        now = clock()
        write_status(run, Status(name=name, state="queued", created=now, heartbeat=now))
        write_atomic(run.config, config_text(run.id))
    except BaseException:
        shutil.rmtree(run.path, ignore_errors=True)
        raise
    return run


def _claim_folder(root: Path) -> RunDirectory:
    """Make a folder under a random id, with more digits where short ids are taken."""
    for digits in _ID_DIGITS:
        for _ in range(_TRIES_PER_LENGTH):
            path = root / secrets.token_hex(digits // 2)
            with explain_os_errors(f"make the folder {path}"):
                try:
                    path.mkdir(mode=0o700)
                except FileExistsError:
                    continue
                return RunDirectory(path)
    raise ResourceError(f"No free run id was found in {printable(root)}: remove old runs.")
