"""A run that is being set up: a base, what was typed over it, and the fields of the form that it is typed into."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

from engine.config.fields import OptionField, all_fields, flat_values
from engine.config.presets import load_preset
from engine.config.resolve import ConfigError, override_layer, resolve
from engine.config.toml import file_layer
from engine.errors import UsageError
from engine.runs.directory import check_name
from maml_tui.runs.new_run import Request

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from engine.config.schema import RunConfig


def shown(value: object) -> str:
    """Write a value the way a person types it."""
    if isinstance(value, tuple):
        return ", ".join(map(shown, value))
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)


def setting(known: OptionField, text: str) -> str:
    """Return what follows `-s` on a command line for a text typed into the field of an option."""
    text = text.strip()
    listed = isinstance(known.info.default, tuple) and not text.startswith("[")
    return f"{known.name}={f'[{text}]' if listed else text}"


def meant(known: OptionField, text: str) -> object:
    """Return the value that a text stands for, whether or not the option may have it."""
    value = override_layer([setting(known, text)]).values[known.section][known.name]
    return tuple(value) if isinstance(value, list) else value


def same(value: object, typed: object) -> bool:
    """Tell whether a typed value is `value`; a whole number may stand for a real one, nothing else converts."""
    if isinstance(value, float) and type(typed) is int:
        return value == typed
    return type(value) is type(typed) and value == typed


def data_sets() -> tuple[str, ...]:
    """Return the names of all data sets, those of a person's own among them."""
    from engine.data.store import installed  # only now: numpy comes with it

    return tuple(dict.fromkeys((*all_fields()["data"].choices, *installed())))


@dataclass(frozen=True)
class Base:
    """A sound configuration and how a command line names it: a shipped preset, or a configuration file."""

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


NAME, DEVICE = "name", "device"
"""The fields of a form that are no options of the schema."""

_ABOUT_THE_RUN = (NAME, DEVICE)


@dataclass(frozen=True)
class Problem:
    """Something that keeps a draft from being started: the field to change, empty if none can be named, and why."""

    field: str
    sentence: str


@dataclass(frozen=True)
class Draft:
    """What a form holds.

    Attributes:
        edits: Option name -> text, where it says something else than the base. An option that has no effect at present
            keeps its text, for when it has one again.
        name: What to call the run; empty for a name that says what is trained.
    """

    base: Base
    edits: Mapping[str, str] = field(default_factory=dict)
    name: str = ""
    device: str = "auto"

    def edited(self, name: str, text: str) -> Draft:
        """Return the draft with another text in the field `name`."""
        if name == NAME:
            return replace(self, name=text.strip())
        if name == DEVICE:
            return replace(self, device=text)
        known = all_fields()[name]
        edits = {option: other for option, other in self.edits.items() if option != name}
        if not same(known.value(self.base.config), meant(known, text)):
            edits[name] = text
        return replace(self, edits=edits)

    def text(self, name: str) -> str:
        """Return what stands in the field `name`."""
        if name in _ABOUT_THE_RUN:
            return self.name if name == NAME else self.device
        if name in self.edits:
            return self.edits[name]
        return shown(all_fields()[name].value(self.base.config))

    @cached_property
    def applicable(self) -> frozenset[str]:
        """The names of the fields that have an effect beside the others."""
        values = flat_values(self.base.config)
        values.update((option, meant(all_fields()[option], text)) for option, text in self.edits.items())
        return frozenset(name for name, known in all_fields().items() if known.applies(values)).union(
            _ABOUT_THE_RUN
        )

    @cached_property
    def changed(self) -> tuple[str, ...]:
        """The names of the options that differ from the base, in the order of the schema."""
        return tuple(name for name in all_fields() if name in self.edits and name in self.applicable)

    @property
    def request(self) -> Request:
        """What would be asked of `maml train`."""
        settings = tuple(setting(all_fields()[option], self.edits[option]) for option in self.changed)
        return Request(self.base.preset, self.base.file, settings, self.name or None, self.device)

    @property
    def config(self) -> RunConfig | None:
        """The configuration, unless something is wrong with it."""
        return self._outcome[0]

    @property
    def problems(self) -> tuple[Problem, ...]:
        """All that is wrong, in the order of the fields."""
        return self._outcome[1]

    @cached_property
    def _outcome(self) -> tuple[RunConfig | None, tuple[Problem, ...]]:
        naming: tuple[Problem, ...] = ()
        try:
            check_name(self.name or "unnamed")
        except UsageError as error:
            naming = (Problem(NAME, str(error)),)
        try:
            return replace(self.request, name=None).record().resolved.config, naming
        except ConfigError as error:
            found = zip(error.fields, error.problems, strict=True)
            problems = [Problem(option, sentence.removeprefix("-s: ")) for option, sentence in found]
        except UsageError as error:  # the base's file is gone
            problems = [Problem("", str(error))]
        order = {name: place for place, name in enumerate(all_fields())}
        problems.sort(key=lambda problem: order.get(problem.field, -1))
        return None, (*problems, *naming)


TASK, MAML, RUN = "Task", "MAML", "Run"
GROUPS = (TASK, MAML, RUN)
"""Headings, in their order."""

_GROUP_OF = {"task": TASK, "model": MAML, "algorithm": MAML, "training": MAML, "evaluation": RUN}
_MAX_IN_HALF_A_LINE = 8
_NAME_HELP = "What to call the run; if left empty, what is trained and how."


@dataclass(frozen=True)
class Field:
    """A line of the form, or half of one.

    Attributes:
        name: The option's name, `NAME` or `DEVICE`.
        group: The heading it stands under.
        help: A sentence, with unit and bounds.
        choices: The texts to choose from; none where it is typed or switched.
        whole_line: Whether half a line is too short for it.
    """

    name: str
    group: str
    label: str
    help: str
    choices: tuple[str, ...] = ()
    switch: bool = False
    whole_line: bool = False


def form_fields(gpus: int) -> list[Field]:
    """Return all fields in their order, on a machine with so many GPUs: in each group, what needs a line first."""
    devices = ("auto", "cpu", "cuda", *(f"cuda:{number}" for number in range(gpus)))
    fields = [
        *map(_of_option, all_fields().values()),
        Field(DEVICE, RUN, "device", "Where it computes; auto is the first GPU where there is one.", devices),
        Field(NAME, RUN, "name", _NAME_HELP, whole_line=True),
    ]
    return sorted(fields, key=lambda field: (GROUPS.index(field.group), not field.whole_line))


def _of_option(known: OptionField) -> Field:
    long = isinstance(known.info.default, tuple) or any(
        len(text) > _MAX_IN_HALF_A_LINE for text in known.choices
    )
    limits = ", ".join([*([known.unit] if known.unit else []), *_bounds(known.info.metadata)])
    return Field(
        name=known.name,
        group=_GROUP_OF[known.section],
        label=known.label,
        help=f"{known.help} ({limits})" if limits else known.help,
        choices=known.choices,
        switch=isinstance(known.info.default, bool),
        whole_line=long,
    )


def _bounds(metadata: Iterable[object]) -> list[str]:
    signs = {"gt": ">", "ge": "≥", "lt": "<", "le": "≤"}
    return [
        f"{sign} {getattr(bound, name):,}"
        for bound in metadata
        for name, sign in signs.items()
        if hasattr(bound, name)
    ]
