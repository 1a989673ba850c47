"""From what a person asks for, on the command line or in the form, to a run on disk."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from engine.catalogue.data_sets import data_set
from engine.config.fields import all_fields
from engine.config.own_code import current_search_path
from engine.config.presets import load_preset
from engine.config.record import RunRecord
from engine.config.resolve import Layer, override_layer, resolve
from engine.config.toml import file_layer
from engine.errors import UsageError
from engine.runs.directory import RunDirectory, check_name, create_run

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from engine.config.schema import RunConfig
    from engine.data.fit import Sizes
    from engine.services.messages import PreflightReport


_DRAWING = 42  # pixels: beyond it the strided network sees too little of a picture before it takes the mean

_OF_ONES_OWN = ("drawings", "photos")

_MIN_WAYS = 2


@dataclass(frozen=True)
class Request:
    """What a person asked to train.

    Attributes:
        file: A configuration file laid over it, or None.
        settings: `key=value` texts laid over both.
        name: What to call the run; None for a name that says what is trained.
        fitted: `key=value` texts laid over the preset, so that its tasks are not too large for the data.
    """

    preset: str | None
    file: Path | None
    settings: tuple[str, ...]
    name: str | None
    device: str
    fitted: tuple[str, ...] = ()

    def record(self) -> RunRecord:
        """Check everything and return what the run's `config.toml` will say.

        Raises:
            UsageError: Naming all that is wrong.
        """
        own_classes = self.keys() & {"task_class", "model_class"}
        if self.preset is None and self.file is None and not own_classes:
            raise UsageError("say what to train: a preset (maml presets ls) or a file (-c run.toml)")
        preset = load_preset(self.preset) if self.preset else None
        layers = [
            *([preset.layer] if preset else []),
            *([override_layer(list(self.fitted), "to fit the data")] if self.fitted else []),
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
            search_path=current_search_path() if resolved.config.own_classes else (),
        )

    def command(self) -> str:
        """Return a command line that asks for the same from anywhere."""
        words = ["maml", "train", *([self.preset] if self.preset else [])]
        words += ["-c", str(self.file.absolute())] if self.file else []
        words += [word for setting in (*self.fitted, *self.settings) for word in ("-s", setting)]
        words += ["--name", self.name] if self.name else []
        words += ["--device", self.device] if self.device != "auto" else []
        return shlex.join(words)

    def name_for(self, config: RunConfig) -> str:
        """Return what the run will be called: after its preset, or its data where those are not the preset's."""
        kept = self.preset and load_preset(self.preset).layer.values["task"]["data"] == config.task.data
        start = self.preset if kept else config.data_name.rpartition(":")[2]
        algorithm = f"-{config.algorithm.algorithm}"
        return self.name or f"{str(start).removesuffix(algorithm)}{algorithm}"

    def _layer_of(self, file: Path) -> Layer:
        """Read the file. What a setting puts out of use (`network=mlp`: the filters) is dropped, as of a preset."""
        conditions = {known.when.key for known in all_fields().values() if known.when}
        return replace(file_layer(file), chosen=self.keys().isdisjoint(conditions))

    def keys(self) -> set[str]:
        """Return the names of the options that the settings give."""
        return {setting.partition("=")[0].strip().rpartition(".")[2] for setting in self.settings}


def request_for(data: str, settings: tuple[str, ...], name: str | None, device: str) -> Request:
    """Return what is asked for by a data set alone, which is in `settings` too: its usual preset.

    Pictures of one's own may be few: tasks are then as large as they allow, but for what the settings say.

    Raises:
        UsageError: `data` may not name a data set, or a setting is wrong.
        ResourceError: The set is not installed, or damaged.
    """
    request = Request(usual_preset(data), None, settings, name, device)
    if request.preset not in _OF_ONES_OWN:
        return request
    lowered = _smaller_tasks(request.record().resolved.config, request.keys())
    return replace(request, fitted=tuple(f"{option}={value}" for option, value in lowered.items()))


def _smaller_tasks(config: RunConfig, chosen: Collection[str]) -> dict[str, int]:
    """Return what must be lowered for the tasks of `config` to fit its pictures, and how far.

    Options that a person chose stay as they are, whatever comes of it.

    Raises:
        ResourceError: The data set is not installed, or damaged.
    """
    parts = _class_sizes(config)
    pictures = min(count for classes in parts.values() for count in classes.values())
    queries = max(1, pictures - config.task.shots)
    sizes = {
        "ways": (config.task.ways, max(_MIN_WAYS, min(map(len, parts.values())))),
        "queries": (config.task.queries, queries),
        "eval_queries": (config.evaluation.eval_queries, queries),
    }
    return {name: most for name, (size, most) in sizes.items() if name not in chosen and size > most}


def usual_preset(data: str) -> str:
    """Return the preset that suits a data set of which nothing else is said.

    That is the one that the catalogue names (`omniglot-5w1s`) or, for pictures of one's own, `drawings` where they are
    grey and at most 42 pixels high, and `photos` for all others.

    Raises:
        UsageError: `data` may not name a data set.
        ResourceError: The set is not installed, or damaged.
    """
    named = data_set(data).preset
    if named:
        return named
    from engine.data import store

    _, channels, height, _ = store.load(data).images.shape
    drawings, photos = _OF_ONES_OWN
    return drawings if channels == 1 and height <= _DRAWING else photos


def create(record: RunRecord) -> RunDirectory:
    """Make the run's folder, once its data are known to be there and to be enough.

    A person's own classes are tried first: their code runs.

    Raises:
        UsageError: The data have too few classes, or too few pictures of some, for the tasks; or a person's own
            classes cannot be trained with.
        ResourceError: The data set is missing or damaged, or the folder cannot be made.
    """
    config = record.resolved.config
    if config.own_classes:
        _preflight(record.search_path, config=record.to_toml("not yet"))
    elif config.data_entry.origin in ("published", "imported"):
        check_data(config)
    return create_run(record.name, record.to_toml)


def data_of(task_class: str) -> str:
    """Return what a configuration calls the kind of tasks that a person's own class makes. Its code runs.

    Raises:
        UsageError: The class cannot be imported, or makes no tasks.
    """
    return _preflight(current_search_path(), task_class).data


def _preflight(
    search_path: tuple[str, ...], task_class: str | None = None, config: str = ""
) -> PreflightReport:
    # Only for a person's own code; asyncio comes with the first.
    from engine.services.client import ask
    from engine.services.messages import PREFLIGHT, PreflightRequest

    return ask(PREFLIGHT, PreflightRequest(search_path=search_path, task_class=task_class, config=config))


def check_data(config: RunConfig) -> None:
    """Make sure that a set of pictures is installed and enough for the tasks of `config`.

    Raises:
        UsageError: It has too few classes, or too few pictures of some, for the tasks.
        ResourceError: It is missing or damaged.
    """
    from engine.data.fit import check_fit

    task = config.task
    sizes = _class_sizes(config)
    check_fit(task.data, sizes, task.ways, task.shots + max(task.queries, config.evaluation.eval_queries))


def _class_sizes(config: RunConfig) -> Sizes:
    """Return how many pictures each class has."""
    from engine.data import fit, splits, store  # these need numpy, which other runs can start without

    image_set = store.load(config.task.data)
    split = splits.find_split(config.task.class_split, image_set)
    return fit.sizes_of(image_set, splits.class_indices(image_set, split))
