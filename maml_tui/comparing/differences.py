"""Which options differ between runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from engine.config.fields import all_fields, flat_values
from maml_tui.wording import MISSING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from engine.config.fields import OptionField
    from engine.config.schema import RunConfig


class Difference(NamedTuple):
    """An option that differs.

    Attributes:
        option: Which.
        values: Its value in each run, in words; `-` where it has no effect.
    """

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
    """Return the options that are not the same in all `configs`, in the order of the schema.

    Args:
        configs: The configurations.
        write: Turns values into words.
    """
    chosen = [flat_values(config) for config in configs]
    rows = [
        Difference(
            option,
            tuple(write(values[name]) if option.applies(values) else MISSING for values in chosen),
        )
        for name, option in all_fields().items()
    ]
    return [row for row in rows if len(set(row.values)) > 1]
