"""Under which choices an option has an effect: derived from the entries that say they read it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from engine.catalogue.algorithms import ALGORITHMS
from engine.catalogue.data_sets import DATA_SETS, IMPORTED
from engine.catalogue.networks import NETWORKS

if TYPE_CHECKING:
    from collections.abc import Mapping


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
