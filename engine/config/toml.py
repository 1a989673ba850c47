"""Configuration files: strict reading, complete writing."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING

import tomli_w

from engine.config.fields import applicable_values
from engine.config.resolve import Layer
from engine.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from engine.config.schema import RunConfig

write_toml = tomli_w.dumps
"""Return tables as TOML text."""

# Tables beside the schema's sections: what a preset says of itself, and what a run's own file records.
RECORDS = ("preset", "run", "versions", "sources", "fingerprint")


def read_toml(path: Path) -> dict[str, object]:
    """Return the tables of a TOML file.

    Raises:
        UsageError: If the file cannot be read or is not TOML; names the line.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not a text file: byte {error.start} is not UTF-8") from error
    return parse_toml(text, str(path))


def parse_toml(text: str, source: str) -> dict[str, object]:
    """Return the tables of TOML text that comes from `source`.

    Raises:
        UsageError: If it is not TOML; names the line.
    """
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise UsageError(f"{source} is not valid TOML: {error}") from error


def file_layer(path: Path) -> Layer:
    """Read a run file (or a finished run's `config.toml`) as a layer of values.

    Raises:
        UsageError: If the file cannot be read, is not TOML, or has values outside any section.
    """
    return Layer(str(path), sections(read_toml(path), str(path)))


def sections(tables: Mapping[str, object], source: str) -> dict[str, Mapping[str, object]]:
    """Return the tables that hold options, leaving out the records beside them."""
    found: dict[str, Mapping[str, object]] = {}
    for name, table in tables.items():
        if name in RECORDS:
            continue
        if not isinstance(table, dict):
            raise UsageError(
                f"{source}: {name} = {table!r} stands outside a section such as [task] or [training]"
            )
        found[name] = table
    return found


def config_tables(config: RunConfig) -> dict[str, dict[str, object]]:
    """Return the options that have an effect in `config`, by section, as plain TOML values."""
    return {
        section: {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}
        for section, values in applicable_values(config).items()
    }
