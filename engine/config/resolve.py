"""From layers of values (preset, run file, command line) to one checked configuration.

Later layers win. Every problem of every layer is collected and reported at once. User settings and the
environment are never a layer: a preset named after the paper means the same on every machine.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from engine.config.fields import OptionField, all_fields, applicable_fields, applicable_values
from engine.config.rules import broken_rules
from engine.config.schema import PATTERNS, RunConfig
from engine.errors import UsageError
from engine.text import nearest, printable

if TYPE_CHECKING:
    from collections.abc import Mapping


class ConfigError(UsageError):
    """A configuration that cannot be used, with all that is wrong with it.

    Attributes:
        fields: The option names concerned, in the same order; empty where none can be named.
    """

    def __init__(self, problems: list[str], fields: list[str] | None = None) -> None:
        self.problems = [printable(problem) for problem in problems]
        self.fields = fields or ["" for _ in problems]
        super().__init__("\n".join(self.problems))


@dataclass(frozen=True)
class Layer:
    """Values from one place.

    Attributes:
        source: Where they come from, as told to people: `preset omniglot-5w1s`, `run.toml`, `-s`.
        values: Section name -> option name -> value.
        chosen: True where a person wrote each value for this run, so that a value without effect is an error
            (a preset's value that another layer puts out of use is dropped silently).
    """

    source: str
    values: Mapping[str, Mapping[str, object]]
    chosen: bool = True


@dataclass(frozen=True)
class ResolvedConfig:
    """A checked configuration and where each of its values came from.

    Attributes:
        sources: Option name -> the source of its value (`default` where no layer gave one).
    """

    config: RunConfig
    sources: Mapping[str, str] = field(default_factory=dict)


def resolve(layers: list[Layer]) -> ResolvedConfig:
    """Merge `layers` (later ones win) and check the result.

    Raises:
        ConfigError: Naming every unknown key, bad value, broken rule and option without effect.
    """
    problems: list[tuple[str, str]] = []
    merged, sources = _merge(layers, problems)
    try:
        config = RunConfig.model_validate(merged)
    except ValidationError as error:
        problems += [_explain(dict(detail), sources) for detail in error.errors(include_url=False)]
    else:
        problems += _without_effect(config, sources, layers)
        problems += broken_rules(config)
    if problems:
        raise ConfigError([text for _, text in problems], [name for name, _ in problems])
    # Options without effect go back to their defaults, so that equal runs have equal configurations.
    return ResolvedConfig(RunConfig.model_validate(applicable_values(config)), sources)


def override_layer(assignments: list[str], source: str = "-s") -> Layer:
    """Read `key=value` texts (`inner_lr=0.1`, `task.ways=20`, `network=mlp`) into a layer.

    Values are TOML; what is not TOML is taken as text, so that names need no quotes.

    Raises:
        ConfigError: For a text without `=`. (`resolve` reports unknown keys, with all other problems.)
    """
    values: dict[str, dict[str, object]] = {}
    for text in assignments:
        key, equals, value = (part.strip() for part in text.partition("="))
        if not equals or not key:
            raise ConfigError([f"{source} {text!r}: write key=value, for example {source} inner_lr=0.1"])
        section, _, name = key.rpartition(".")
        known = all_fields().get(name)
        values.setdefault(section or (known.section if known else ""), {})[name] = _toml_value(value)
    return Layer(source, values)


def _toml_value(text: str) -> object:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except (tomllib.TOMLDecodeError, RecursionError):
        return text


def _merge(
    layers: list[Layer], problems: list[tuple[str, str]]
) -> tuple[dict[str, dict[str, object]], dict[str, str]]:
    merged: dict[str, dict[str, object]] = {}
    sources = dict.fromkeys(all_fields(), "default")
    for layer in layers:
        for section, values in layer.values.items():
            if section and section not in RunConfig.model_fields:
                known = [*RunConfig.model_fields, *all_fields()]
                problems.append(("", f"{layer.source}: unknown section [{section}]{nearest(section, known)}"))
                continue
            for name, value in values.items():
                known_field = all_fields().get(name)
                if known_field is None or known_field.section != section:
                    problems.append(("", _unknown_key(layer.source, section, name, known_field)))
                    continue
                merged.setdefault(section, {})[name] = tuple(value) if isinstance(value, list) else value
                sources[name] = layer.source
    return merged, sources


def _unknown_key(source: str, section: str, name: str, elsewhere: OptionField | None) -> str:
    if elsewhere is not None:
        return f"{source}: {name} belongs in [{elsewhere.section}], not in [{section}]"
    key = f"{section}.{name}" if section else name
    return f"{source}: unknown key {key}{nearest(name, all_fields())}"


def _explain(detail: dict[str, Any], sources: Mapping[str, str]) -> tuple[str, str]:
    location = detail["loc"]
    name = str(location[1]) if len(location) > 1 else str(location[0])
    reason = str(detail["msg"]).replace("Input should be", "must be").replace("Value error, ", "")
    if detail["type"] == "string_pattern_mismatch":
        reason = PATTERNS[detail["ctx"]["pattern"]]
    return name, f"{sources.get(name, '')}: {name} = {_shown(detail['input'])}: {reason}"


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _without_effect(
    config: RunConfig, sources: Mapping[str, str], layers: list[Layer]
) -> list[tuple[str, str]]:
    by_hand = {layer.source for layer in layers if layer.chosen}
    effective = {known.name for known in applicable_fields(config)}
    return [
        (name, f"{sources[name]}: {name} has no effect here: it needs {known.when}")
        for name, known in all_fields().items()
        if name not in effective and sources[name] in by_hand
    ]
