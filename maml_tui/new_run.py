"""From what a person asks for, on the command line or in the form, to a run on disk."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from engine.config.fields import all_fields
from engine.config.presets import load_preset
from engine.config.record import RunRecord
from engine.config.resolve import override_layer, resolve
from engine.config.toml import file_layer
from engine.errors import UsageError
from engine.runs.directory import RunDirectory, check_name, create_run

if TYPE_CHECKING:
    from pathlib import Path

    from engine.config.resolve import Layer
    from engine.config.schema import RunConfig


@dataclass(frozen=True)
class Request:
    """What a person asked to train.

    Attributes:
        preset: Name of a preset, or None.
        file: A configuration file laid over it, or None.
        settings: `key=value` texts laid over both.
        name: What to call the run; None for a name that says what is trained.
        device: The device asked for.
    """

    preset: str | None
    file: Path | None
    settings: tuple[str, ...]
    name: str | None
    device: str

    def record(self) -> RunRecord:
        """Check everything and return what the run's `config.toml` will say.

        Raises:
            UsageError: Naming all that is wrong.
        """
        if self.preset is None and self.file is None:
            raise UsageError("say what to train: a preset (maml presets ls) or a file (-c run.toml)")
        preset = load_preset(self.preset) if self.preset else None
        layers = [
            *([preset.layer] if preset else []),
            *([self._layer_of(self.file)] if self.file else []),
            *([override_layer(list(self.settings))] if self.settings else []),
        ]
        resolved = resolve(layers)
        return RunRecord(
            resolved=resolved,
            name=check_name(self.name_for(resolved.config)),
            device=self.device,
            command=self.command(),
            preset={"name": preset.name, "sha256": preset.sha256} if preset else {},
        )

    def command(self) -> str:
        """Return a command line that asks for the same from anywhere."""
        words = ["maml", "train", *([self.preset] if self.preset else [])]
        words += ["-c", str(self.file.absolute())] if self.file else []
        words += [word for setting in self.settings for word in ("-s", setting)]
        words += ["--name", self.name] if self.name else []
        words += ["--device", self.device] if self.device != "auto" else []
        return shlex.join(words)

    def name_for(self, config: RunConfig) -> str:
        """Return what the run will be called."""
        return self.name or f"{self.preset or config.task.data}-{config.algorithm.algorithm}"

    def _layer_of(self, file: Path) -> Layer:
        """Read the file. What a setting puts out of use (`network=mlp`: the filters) is dropped, as of a preset."""
        conditions = {known.when.key for known in all_fields().values() if known.when}
        keys = {setting.partition("=")[0].strip().rpartition(".")[2] for setting in self.settings}
        return replace(file_layer(file), chosen=keys.isdisjoint(conditions))


def create(record: RunRecord) -> RunDirectory:
    """Make the run's folder, once its data are known to be there.

    Raises:
        ResourceError: The data set is missing or damaged, or the folder cannot be made.
    """
    config = record.resolved.config
    if not config.is_regression:
        from engine.data import store, strokes  # these need numpy, which other runs can start without

        if config.task.data != strokes.NAME:
            store.load(config.task.data)
    return create_run(record.name, record.to_toml)
