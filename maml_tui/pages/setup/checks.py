"""What a person should know before a run is started: its size, the published result, and problems that stop it."""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from engine.catalogue.data_sets import data_set
from engine.config.fields import all_fields
from engine.errors import MamlError
from engine.files import explain_os_errors
from engine.paths import runs_dir
from engine.runs.events import LIVE_STATES
from engine.runs.index import RunSummary, list_runs
from engine.text import printable
from maml_tui.pages.setup.draft import Draft, shown
from maml_tui.reports.published import published
from maml_tui.reports.wording import significant
from maml_tui.runs.new_run import check_data

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from engine.config.schema import RunConfig
    from engine.services.messages import Costs


def update_size(config: RunConfig) -> str:
    """Write how many examples a meta-update works through, and how the number comes about."""
    task, tasks = config.task, config.training.meta_batch_size
    each = task.shots + task.queries
    if config.is_regression:
        return f"{tasks}×({task.shots}+{task.queries}) = {tasks * each:,} points a meta-update"
    total = tasks * task.ways * each
    return f"{tasks}×{task.ways}×({task.shots}+{task.queries}) = {total:,} images a meta-update"


def reported(config: RunConfig) -> str:
    """Write the foremost number published for this task and algorithm, and whose it is; empty where there is none."""
    found = published(
        config.task.data,
        None if config.is_regression else config.task.ways,
        config.task.shots,
        config.algorithm.algorithm,
        config.evaluation.eval_steps,
        scored=True,
    )
    if not found:
        return ""
    return f"{found[0]} {'mse' if config.is_regression else '%'} ({found[0].source})"


def changes(draft: Draft) -> list[str]:
    """Return a line for each option that differs from the base: its label, its text and the base's in brackets."""
    fields = all_fields()
    return [
        f"{fields[name].label} {draft.text(name)} ({shown(fields[name].value(draft.base.config))})"
        for name in draft.changed
    ]


def memory(count: int) -> str:
    """Write a number of bytes."""
    mebibytes = count / 2**20
    return f"{significant(mebibytes / 1024)} GiB" if mebibytes >= 1024 else f"{significant(mebibytes)} MiB"


def speed(costs: Costs) -> str:
    """Write the median speed."""
    return f"{significant(costs.iterations_per_second)} it/s"


_DRIVER = Path("/proc/driver/nvidia/gpus")
_DEVICE = re.compile(r"auto|cpu|cuda(:\d+)?")

Verdict = Literal["good", "note", "bad"]

# A run keeps its newest checkpoint besides its best while it writes another; its journal grows with the logarithm of
# its length.
_BESIDES_THE_BEST = 2
_JOURNAL_BYTES = 32 << 20


@dataclass(frozen=True)
class Estimate:
    """How far the estimate of a draft's cost is: what it found, why nothing, or for how many seconds it has run."""

    costs: Costs | None = None
    problem: str = ""
    seconds: int | None = None


@dataclass(frozen=True)
class Check:
    """What was found: `bad` if a run could not be started like this, `note` if it can but somebody should know."""

    verdict: Verdict
    text: str


def checks(draft: Draft, costs: Costs | None, environment: Mapping[str, str]) -> list[Check]:
    """Look at everything that starting a draft depends on, in the `environment` that the run would have.

    Raises:
        ResourceError: The folder of runs cannot be read.
    """
    runs = list_runs()
    looked = [
        _form(draft),
        _data(draft),
        _device(draft.device, costs, visible_gpus(environment)),
        _folder(_nearest(runs_dir())),
        _room(_nearest(runs_dir()), costs, 1 if draft.config is None else draft.config.training.keep_best),
        _name(draft, runs),
        _others(runs),
    ]
    return [check for check in looked if check is not None]


def visible_gpus(environment: Mapping[str, str], driver: Path = _DRIVER) -> int:
    """Return how many NVIDIA GPUs a process would see, as far as the driver's files tell."""
    chosen = environment.get("CUDA_VISIBLE_DEVICES")
    if chosen is not None:
        return len([one for one in chosen.split(",") if one.strip() not in ("", "-1")])
    return len(list(driver.glob("*")))


def _form(draft: Draft) -> Check | None:
    wrong = len(draft.problems)
    text = "1 field is wrong" if wrong == 1 else f"{wrong} fields are wrong"
    return Check("bad", text) if wrong else None


def _data(draft: Draft) -> Check:
    name = draft.text("data")
    if data_set(name).origin == "generated":
        return Check("good", f"{name} needs no data")
    from engine.data import store  # only now: numpy comes with it

    try:
        found = store.load(name)
        if draft.config is not None:
            check_data(draft.config)
    except MamlError as error:
        return Check("bad", str(error))
    return Check("good", f"{name}: {found.classes:,} classes, {len(found.images):,} pictures")


def _device(name: str, costs: Costs | None, gpus: int) -> Check:
    if not _DEVICE.fullmatch(name):
        return Check("bad", f"'{printable(name)}' is no device: choose auto, cpu, cuda or cuda:N")
    if costs is not None:
        return Check("good", f"device {costs.device}: {printable(costs.device_name)}")
    if name.startswith("cuda") and int(name.partition(":")[2] or 0) >= gpus:
        return Check("note", f"no NVIDIA driver shows {name} here: measure to try it")
    seen = f"{gpus} GPU{'s' if gpus > 1 else ''}" if gpus else "no GPU, so auto is the CPU"
    return Check("good", f"device {name}; {seen}")


def _folder(folder: Path) -> Check:
    if os.access(folder, os.W_OK | os.X_OK):
        return Check("good", "run folder can be written")
    return Check("bad", f"{printable(folder)} cannot be written: set MAML_STATE_DIR to a folder of yours")


def _room(folder: Path, costs: Costs | None, best: int) -> Check:
    needed = _JOURNAL_BYTES + (_BESIDES_THE_BEST + best) * (costs.checkpoint_bytes if costs else 0)
    with explain_os_errors(f"look at {folder}"):
        free = shutil.disk_usage(folder).free
    if free < needed:
        return Check("bad", f"{memory(free)} free where runs are kept, {memory(needed)} needed")
    return Check("good", f"{memory(free)} free where runs are kept")


def _name(draft: Draft, runs: Sequence[RunSummary]) -> Check | None:
    if draft.config is None:
        return None
    name = draft.request.name_for(draft.config)
    if any(summary.status.name == name for summary in runs):
        return Check("note", f"another run is called {name}, too")
    return Check("good", f"no run is called {name} yet")


def _others(runs: Sequence[RunSummary]) -> Check | None:
    live = sum(summary.status.state in LIVE_STATES for summary in runs)
    if not live:
        return None
    return Check("note", f"{'1 run is' if live == 1 else f'{live} runs are'} at work: speeds are shared")


def _nearest(folder: Path) -> Path:
    """Return the folder, or the nearest one above it that exists."""
    return next(one for one in (folder, *folder.parents) if os.path.isdir(one))  # noqa: PTH112 - False, not an error, where we may not look
