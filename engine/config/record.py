"""A run's own `config.toml`: every value, where it came from, and what it was started with."""

from __future__ import annotations

import platform
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import TYPE_CHECKING

from engine.config.resolve import Layer, ResolvedConfig, resolve
from engine.config.toml import config_tables, read_toml, sections, write_toml

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True)
class RunRecord:
    """What a run was asked to be.

    Attributes:
        device: The device asked for: `auto`, `cpu`, `cuda`, `cuda:1`.
        command: A command line that starts the same run again.
        preset: Name and hash of the preset it started from; empty without one.
        fingerprint: Hashes of data and class split; empty until a worker has seen the data.
        search_path: Folders in which a user's own classes are looked for; empty where the run has none.
    """

    resolved: ResolvedConfig
    name: str
    device: str = "auto"
    command: str = ""
    preset: Mapping[str, str] = field(default_factory=dict)
    fingerprint: Mapping[str, str] = field(default_factory=dict)
    search_path: tuple[str, ...] = ()

    def to_toml(self, run_id: str) -> str:
        """Return the text of `config.toml`."""
        tables: dict[str, object] = {
            "run": {
                "id": run_id,
                "name": self.name,
                "device": self.device,
                "command": self.command,
                **({"search_path": list(self.search_path)} if self.search_path else {}),
            },
            **config_tables(self.resolved.config),
            "sources": dict(self.resolved.sources),
            "preset": dict(self.preset),
            "fingerprint": dict(self.fingerprint),
            "versions": versions(),
        }
        return write_toml({name: table for name, table in tables.items() if table})


def read_record(path: Path) -> RunRecord:
    """Read a run's `config.toml`.

    Raises:
        UsageError: If it cannot be read or no longer fits the schema.
    """
    return parse_record(read_toml(path), str(path))


def parse_record(tables: Mapping[str, object], source: str) -> RunRecord:
    """Return what the tables of a run's `config.toml` say.

    Raises:
        UsageError: If they do not fit the schema.
    """
    config = resolve([Layer(source, sections(tables, source))]).config
    run = texts(tables.get("run"))
    return RunRecord(
        resolved=ResolvedConfig(config, texts(tables.get("sources"))),
        name=run.get("name", ""),
        device=run.get("device", "auto"),
        command=run.get("command", ""),
        preset=texts(tables.get("preset")),
        fingerprint=texts(tables.get("fingerprint")),
        search_path=_search_path(tables.get("run")),
    )


def versions() -> dict[str, str]:
    """Return the versions of what computes the result, without importing any of it."""
    packages = {name: version(name) for name in ("maml-tui", "torch", "numpy")}
    return {"python": platform.python_version(), **packages}


def _search_path(run: object) -> tuple[str, ...]:
    found = run.get("search_path", ()) if isinstance(run, dict) else ()
    return tuple(map(str, found)) if isinstance(found, list) else ()


def texts(table: object) -> dict[str, str]:
    """Return a table of a file as text by name; empty for what is no table."""
    return {str(key): str(value) for key, value in table.items()} if isinstance(table, dict) else {}
