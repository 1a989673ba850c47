"""The runs behind a published table."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from itertools import product
from typing import TYPE_CHECKING

from engine.config.presets import load_preset
from engine.config.record import RunRecord, read_record
from engine.errors import UsageError
from engine.paths import assets_dir
from engine.runs.control import is_complete
from engine.runs.index import list_runs
from engine.runs.status import current_status
from engine.text import nearest, printable
from maml_tui.runs.new_run import Request

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from engine.runs.directory import RunDirectory

_INTERVALS = ("eval_every", "checkpoint_every")


@dataclass(frozen=True)
class Table:
    """A published table.

    Attributes:
        algorithms: What each is trained with.
        shots: Numbers of support examples to evaluate with; empty for those of the presets.
        seeds: How often each is trained, with seeds 0, 1, ...
        settings: For some algorithms, what is set besides the preset's values.
        note: What a reader of the table must know; empty for nothing.
    """

    name: str
    title: str
    presets: Sequence[str]
    algorithms: Sequence[str]
    shots: Sequence[int] = ()
    seeds: int = 1
    settings: Mapping[str, Sequence[str]] = field(default_factory=dict)
    note: str = ""


@dataclass(frozen=True)
class PlannedRun:
    """A run that a table needs.

    Attributes:
        network: What is trained, whatever the seed.
        record: What it is asked to be; its name is how the run is found again.
        run: The newest run of that name; None before it has begun.
    """

    network: str
    record: RunRecord
    run: RunDirectory | None

    @property
    def iterations(self) -> int:
        """How many meta-updates it takes."""
        return self.record.resolved.config.training.iterations

    @property
    def complete(self) -> bool:
        """Whether it is trained to its end and measured."""
        return self.run is not None and is_complete(
            current_status(self.run), self.iterations, tested=self.run.result.exists()
        )

    @property
    def standing(self) -> str:
        """Where it stands, in words."""
        if self.run is None:
            return "not begun"
        if self.complete:
            return "complete"
        status = current_status(self.run)
        state = "stopped" if status.state == "done" else status.state
        return f"{state} at {status.iteration:,} of {self.iterations:,}"


def tables() -> dict[str, Table]:
    """Return all tables by name."""
    found = tomllib.loads((assets_dir() / "reproductions.toml").read_text(encoding="utf-8"))
    return {name: Table(name, **table) for name, table in found.items()}


def find_table(name: str) -> Table:
    """Return the table called `name`.

    Raises:
        UsageError: There is none, naming those there are.
    """
    known = tables()
    if name not in known:
        raise UsageError(
            f"there is no table {printable(name)}{nearest(name, known)}; choose {' or '.join(known)}"
        )
    return known[name]


def plan(table: Table, scale: float, device: str = "auto") -> list[PlannedRun]:
    """Return the runs of a table, the first seed of all before the next, with those found that are there already.

    Args:
        scale: What part of the published iterations to train for.
        device: For runs that are not there yet.

    Raises:
        UsageError: A run has the name of one of them and is another.
        ResourceError: The runs cannot be read.
    """
    newest = {summary.status.name: summary.run for summary in reversed(list_runs())}
    planned = []
    for seed, preset, algorithm in product(range(table.seeds), table.presets, table.algorithms):
        record = _request(table, preset, algorithm, seed, scale, device).record()
        run = newest.get(record.name)
        _require_same(record, run)
        planned.append(PlannedRun(f"{preset}-{algorithm}", record, run))
    return planned


def _require_same(record: RunRecord, run: RunDirectory | None) -> None:
    if run is not None and read_record(run.config).resolved.config != record.resolved.config:
        raise UsageError(
            f"run {printable(run.id)} is called {record.name} but has other options than the table needs: "
            f"remove it first (maml runs rm {printable(run.id)})"
        )


def _request(table: Table, preset: str, algorithm: str, seed: int, scale: float, device: str) -> Request:
    settings = [f"algorithm={algorithm}", *table.settings.get(algorithm, ())]
    usual = load_preset(preset).layer.values
    if seed:
        # Tasks of its own to be measured on: the spread over seeds then is that of tasks as well.
        settings += [f"seed={seed}", f"eval_seed={int(str(usual['evaluation']['eval_seed'])) + seed}"]
    if scale != 1:
        training = usual["training"]
        iterations = max(1, round(int(str(training["iterations"])) * scale))
        # As often as in the full run, so that a short one does not spend its time on validations.
        often = [f"{name}={min(iterations, int(str(training[name])))}" for name in _INTERVALS]
        settings += [f"iterations={iterations}", *often]
    of_seed, shortened = f"-seed{seed}" if seed else "", "" if scale == 1 else f"-x{scale:g}"
    name = f"reproduce-{preset}-{algorithm}{of_seed}{shortened}"
    return Request(preset, None, tuple(settings), name, device)
