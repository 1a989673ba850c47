"""A run that is being set up: a base, and what was typed over it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

from engine.config.fields import all_fields, flat_values
from engine.config.resolve import ConfigError
from engine.errors import UsageError
from engine.runs.directory import check_name
from maml_tui.drafting.texts import meant, same, setting, shown
from maml_tui.new_run import Request

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.config.schema import RunConfig
    from maml_tui.drafting.base import Base

NAME, DEVICE = "name", "device"
"""The fields of a form that are no options of the schema."""

_ABOUT_THE_RUN = (NAME, DEVICE)


@dataclass(frozen=True)
class Problem:
    """Something that keeps a draft from being started.

    Attributes:
        field: The field to change; empty where none can be named.
        sentence: What is wrong.
    """

    field: str
    sentence: str


@dataclass(frozen=True)
class Draft:
    """What a form holds.

    Attributes:
        base: What it started from.
        edits: Option name -> text, where it says something else than the base. An option that has no effect at present
            keeps its text, for when it has one again.
        name: What to call the run; empty for a name that says what is trained.
        device: The device asked for.
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
        naming = tuple(self._name_problems())
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

    def _name_problems(self) -> list[Problem]:
        try:
            check_name(self.name or "unnamed")
        except UsageError as error:
            return [Problem(NAME, str(error))]
        return []
