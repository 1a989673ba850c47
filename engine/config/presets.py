"""Presets: named, complete configurations shipped with the program."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.config.resolve import Layer, ResolvedConfig, resolve
from engine.config.toml import read_toml, sections
from engine.errors import UsageError
from engine.paths import assets_dir
from engine.text import nearest

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Preset:
    """A shipped configuration.

    Attributes:
        source: The publication its values come from; empty for our own.
        deviations: Every known difference from that publication, a sentence each.
        sha256: Hash of the file, recorded in every run started from it.
    """

    name: str
    path: Path
    title: str
    summary: str
    source: str
    deviations: tuple[str, ...]
    layer: Layer
    sha256: str

    def resolved(self) -> ResolvedConfig:
        """Return the preset's own configuration, checked."""
        return resolve([self.layer])


def preset_names() -> list[str]:
    """Return the names of all presets, sorted."""
    return sorted(path.stem for path in _folder().glob("*.toml"))


def load_preset(name: str) -> Preset:
    """Return the preset called `name`.

    Raises:
        UsageError: If there is none, naming the nearest.
    """
    path = _folder() / f"{name}.toml"
    if name not in preset_names():
        raise UsageError(f"no preset is called {name!r}{nearest(name, preset_names())}; see: maml presets ls")
    tables = read_toml(path)
    about = tables["preset"]
    assert isinstance(about, dict)  # noqa: S101 - our own file, held by a test
    return Preset(
        name=name,
        path=path,
        title=str(about["title"]),
        summary=str(about["summary"]),
        source=str(about.get("source", "")),
        deviations=tuple(about.get("deviations", ())),
        layer=Layer(f"preset {name}", sections(tables, name), chosen=False),
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
    )


def _folder() -> Path:
    return assets_dir() / "presets"
