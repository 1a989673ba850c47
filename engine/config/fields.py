"""The options of the schema, by name and by section, and when each has an effect."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Literal, get_args, get_origin

from engine.catalogue.algorithms import ALGORITHMS
from engine.catalogue.data_sets import DATA_SETS, IMPORTED
from engine.catalogue.networks import NETWORKS
from engine.config.schema import RunConfig

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic.fields import FieldInfo


@dataclass(frozen=True)
class Condition:
    """States for which values of another option an option has an effect.

    Attributes:
        inverted: True where the option has an effect for all *other* values.
    """

    key: str
    values: frozenset[str]
    inverted: bool = False

    def holds(self, chosen: Mapping[str, object]) -> bool:
        """Tell whether the condition holds for `chosen`, a mapping of option names to values."""
        return (chosen.get(self.key) in self.values) != self.inverted

    def __str__(self) -> str:
        names = " or ".join(sorted(self.values))
        return f"{self.key} = {'anything but ' if self.inverted else ''}{names}"


@cache
def condition(option: str) -> Condition | None:
    """Return when the option called `option` has an effect; None for always."""
    for key, entries in (("data", DATA_SETS), ("network", NETWORKS), ("algorithm", ALGORITHMS)):
        readers = frozenset(name for name, entry in entries.items() if option in entry.options)
        others = frozenset(entries) - readers
        if readers:
            # The names of imported data sets cannot be listed, so what they read is said by those that do not.
            inverted = option in IMPORTED.options if key == "data" else len(others) < len(readers)
            return Condition(key, others if inverted else readers, inverted)
    return None


@dataclass(frozen=True)
class OptionField:
    """One option of the schema, as forms, commands and documentation see it."""

    section: str
    name: str
    info: FieldInfo

    @property
    def path(self) -> str:
        """The full name, `section.name`."""
        return f"{self.section}.{self.name}"

    @property
    def label(self) -> str:
        """A few words for forms and tables."""
        return self.info.title or self.name.replace("_", " ")

    @property
    def help(self) -> str:
        """A sentence for help texts."""
        return self.info.description or ""

    @property
    def unit(self) -> str:
        """The unit, or an empty string."""
        extra = self.info.json_schema_extra
        return str(extra["unit"]) if isinstance(extra, dict) else ""

    @property
    def choices(self) -> tuple[str, ...]:
        """The texts to choose from; none where a value is typed, or is on or off.

        Of data sets, those that can be chosen whether or not they are installed.
        """
        if self.name == "data":
            return tuple(entry.name for entry in DATA_SETS.values() if entry.origin != "custom")
        annotation = self.info.annotation
        return get_args(annotation) if get_origin(annotation) is Literal else ()

    @property
    def when(self) -> Condition | None:
        """The condition under which the option has an effect; None for always."""
        return condition(self.name)

    def applies(self, chosen: Mapping[str, object]) -> bool:
        """Tell whether the option has an effect beside the values `chosen` by option name."""
        return self.when is None or self.when.holds(chosen)

    def value(self, config: RunConfig) -> object:
        """Return the option's value in `config`."""
        return getattr(getattr(config, self.section), self.name)


@cache
def all_fields() -> dict[str, OptionField]:
    """Return every option by its name, in the order of the schema."""
    defaults = RunConfig()
    return {
        name: OptionField(section, name, info)
        for section in RunConfig.model_fields
        for name, info in type(getattr(defaults, section)).model_fields.items()
    }


def flat_values(config: RunConfig) -> dict[str, object]:
    """Return every option's value by option name."""
    return {name: field.value(config) for name, field in all_fields().items()}


def applicable_values(config: RunConfig) -> dict[str, dict[str, object]]:
    """Return the values of the options that have an effect in `config`, by section."""
    values: dict[str, dict[str, object]] = {}
    for field in applicable_fields(config):
        values.setdefault(field.section, {})[field.name] = field.value(config)
    return values


def applicable_fields(config: RunConfig) -> list[OptionField]:
    """Return the options that have an effect in `config`."""
    chosen = flat_values(config)
    return [field for field in all_fields().values() if field.applies(chosen)]
