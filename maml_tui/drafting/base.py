"""What a draft starts from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.config.presets import load_preset
from engine.config.resolve import resolve
from engine.config.toml import file_layer

if TYPE_CHECKING:
    from pathlib import Path

    from engine.config.schema import RunConfig


@dataclass(frozen=True)
class Base:
    """A sound configuration and how a command line names it.

    Attributes:
        name: What people call it.
        config: The configuration.
        preset: The shipped preset that it is, or None.
        file: The configuration file that it is, or None.
    """

    name: str
    config: RunConfig
    preset: str | None = None
    file: Path | None = None

    @classmethod
    def of_preset(cls, name: str) -> Base:
        """Return a shipped preset.

        Raises:
            UsageError: There is none of that name.
        """
        return cls(name, load_preset(name).resolved().config, preset=name)

    @classmethod
    def of_file(cls, file: Path, name: str) -> Base:
        """Return a configuration file under a name.

        Raises:
            UsageError: It cannot be read, or is no sound configuration.
        """
        return cls(name, resolve([file_layer(file)]).config, file=file)
