"""A person's own presets: configuration files in the configuration directory, saved from the form."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.config.toml import config_tables, write_toml
from engine.files import explain_os_errors, private_dir, write_atomic
from engine.paths import config_dir
from engine.runs.directory import check_name

if TYPE_CHECKING:
    from pathlib import Path

    from engine.config.schema import RunConfig


def own_presets() -> list[Path]:
    """Return the files, sorted by name.

    Raises:
        ResourceError: The folder cannot be read.
    """
    folder = _folder()
    with explain_os_errors(f"read {folder}"):
        return sorted(folder.glob("*.toml"))


def own_preset(name: str) -> Path:
    """Return the file of the preset called `name`, whether or not it exists.

    Raises:
        UsageError: It cannot be called that.
    """
    return _folder() / f"{check_name(name)}.toml"


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


def _folder() -> Path:
    return config_dir() / "presets"
