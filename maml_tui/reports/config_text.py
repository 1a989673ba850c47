"""Configurations as text: TOML with the source of each value, and what differs between two of them."""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING, NamedTuple

from engine.config.fields import OptionField, all_fields, applicable_fields, flat_values
from maml_tui.reports.text_table import aligned
from maml_tui.reports.wording import MISSING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from engine.config.resolve import ResolvedConfig
    from engine.config.schema import RunConfig


class Difference(NamedTuple):
    """An option that differs, and its value in each run, in words; `-` where it has no effect."""

    option: OptionField
    values: tuple[str, ...]


def option_value(value: object) -> str:
    """Write the value of an option as people read it: `yes`, `60,000`, `0.001`, `40, 40`."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return ", ".join(map(option_value, value))
    return f"{value:,}" if isinstance(value, int) else str(value)


def differing_options(
    configs: Sequence[RunConfig], write: Callable[[object], str] = option_value
) -> list[Difference]:
    """Return the options that are not the same in all `configs`, in the order of the schema."""
    chosen = [flat_values(config) for config in configs]
    rows = [
        Difference(
            option,
            tuple(write(values[name]) if option.applies(values) else MISSING for values in chosen),
        )
        for name, option in all_fields().items()
    ]
    return [row for row in rows if len(set(row.values)) > 1]


def toml_value(value: object) -> str:
    """Write a value of the schema as TOML."""
    if isinstance(value, tuple):
        return f"[{', '.join(map(toml_value, value))}]"
    if isinstance(value, bool | str):
        return json.dumps(value)
    return repr(value)


def annotated_toml(resolved: ResolvedConfig) -> str:
    """Write a configuration as a run file in which a comment tells where each value came from."""
    config = resolved.config
    by_section = itertools.groupby(applicable_fields(config), key=lambda known: known.section)
    return "\n\n".join(_section(name, list(fields), resolved) for name, fields in by_section)


def _section(name: str, fields: list[OptionField], resolved: ResolvedConfig) -> str:
    texts = [f"{known.name} = {toml_value(known.value(resolved.config))}" for known in fields]
    comments = [f"# {resolved.sources.get(known.name, 'default')}" for known in fields]
    return "\n".join([f"[{name}]", *aligned([*zip(texts, comments, strict=True)])])


def differences(first: RunConfig, second: RunConfig) -> list[tuple[str, str, str]]:
    """Return (option, value in `first`, value in `second`) for each that differs; `-` where it has no effect."""
    rows = differing_options((first, second), toml_value)
    return [(row.option.name, row.values[0], row.values[1]) for row in rows]
