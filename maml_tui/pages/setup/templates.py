"""What a run can be set up from (presets, a person's own, the last runs), and the drafts that were made from it."""

from __future__ import annotations

import itertools
import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from engine.config.fields import applicable_fields
from engine.config.presets import load_preset, preset_names
from engine.config.record import RunRecord, read_record
from engine.config.toml import config_tables, write_toml
from engine.errors import UsageError
from engine.files import explain_os_errors, private_dir, write_atomic
from engine.paths import config_dir
from engine.runs.directory import RunDirectory, check_name
from engine.runs.index import list_runs
from maml_tui.pages.setup.draft import Base, Draft, shown
from maml_tui.reports.wording import moment

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from engine.config.schema import RunConfig


def own_presets() -> list[Path]:
    """Return the files, sorted by name.

    Raises:
        ResourceError: The folder cannot be read.
    """
    folder = config_dir() / "presets"
    with explain_os_errors(f"read {folder}"):
        return sorted(folder.glob("*.toml"))


def own_preset(name: str) -> Path:
    """Return the file of the preset called `name`, whether or not it exists.

    Raises:
        UsageError: It cannot be called that.
    """
    return config_dir() / "presets" / f"{check_name(name)}.toml"


def save_own_preset(name: str, config: RunConfig) -> Path:
    """Write a configuration under a name, replacing one of that name, and return the file.

    Raises:
        UsageError: It cannot be called that.
        ResourceError: It cannot be written.
    """
    path = own_preset(name)
    private_dir(path.parent)
    write_atomic(path, write_toml(config_tables(config)))
    return path


PAPERS, READY, YOURS, LAST = "Papers", "Ready-made", "Yours", "Last runs"
_LAST_RUNS = 5


@dataclass(frozen=True)
class Template:
    """Something to start from.

    Attributes:
        group: The heading it stands under.
        name: What people call it: a preset's name, a run's id and name.
        draft: Makes the draft; raises UsageError if the configuration is not sound (any more).
        file: The file of a person's own preset, which can be deleted; else None.
    """

    group: str
    name: str
    about: str
    draft: Callable[[], Draft]
    file: Path | None = None

    @property
    def key(self) -> str:
        """What tells it from all others."""
        return f"{self.group}/{self.name}"

    def fits(self, words: str) -> bool:
        """Tell whether each of the `words` occurs in its name, heading or line."""
        text = f"{self.name} {self.group} {self.about}".lower()
        return all(word in text for word in words.lower().split())


def templates() -> list[Template]:
    """Return everything there is to start from, group by group.

    Raises:
        ResourceError: The folder of runs or of presets cannot be read.
    """
    shipped = sorted(map(of_preset, preset_names()), key=lambda template: template.group != PAPERS)
    return [*shipped, *map(of_own, own_presets()), *_of_last_runs()]


def of_preset(name: str) -> Template:
    """Return a shipped preset.

    Raises:
        UsageError: There is none of that name.
    """
    preset = load_preset(name)
    group = PAPERS if preset.source else READY
    return Template(group, name, preset.summary, lambda: Draft(Base.of_preset(name)))


def of_own(path: Path) -> Template:
    """Return a preset of a person's own."""
    return Template(YOURS, path.stem, str(path), lambda: Draft(Base.of_file(path, path.stem)), path)


def _of_last_runs() -> list[Template]:
    now = time.time()
    return [
        Template(
            LAST,
            f"{summary.run.id} {summary.status.name}",
            f"{summary.status.state} · {moment(summary.status.created, now)}",
            partial(_draft_of_run, summary.run),
        )
        for summary in itertools.islice(list_runs(), _LAST_RUNS)
    ]


def _draft_of_run(run: RunDirectory) -> Draft:
    """Return what the run was started with: its preset and the changes to it, as long as the preset is the same."""
    record = read_record(run.config)
    base = _base_of(record) or Base.of_file(run.config, run.id)
    draft = Draft(base, device=record.device)
    for known in applicable_fields(record.resolved.config):
        draft = draft.edited(known.name, shown(known.value(record.resolved.config)))
    return draft


def _base_of(record: RunRecord) -> Base | None:
    try:
        preset = load_preset(record.preset.get("name", ""))
    except UsageError:
        return None
    return Base.of_preset(preset.name) if preset.sha256 == record.preset["sha256"] else None
