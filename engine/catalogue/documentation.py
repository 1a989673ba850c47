"""The catalogue as a page of the documentation, which `maml docs catalogue` shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.catalogue.algorithms import ALGORITHMS
from engine.catalogue.data_sets import DATA_SETS, IMPORTED
from engine.catalogue.networks import NETWORKS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from engine.catalogue.entries import Algorithm


def describe_catalogue() -> str:
    """Return in Markdown what there is to choose from, with what each entry reads, needs and offers."""
    networks = [(f"`{one.name}`", one.help, one.inputs, _listed(one.options)) for one in NETWORKS.values()]
    data = [
        (f"`{one.name}`" if one.name else "imported pictures", one.kind, one.origin, _listed(one.splits))
        for one in (*DATA_SETS.values(), IMPORTED)
    ]
    return "\n".join(
        [
            "# Algorithms, networks and data sets",
            "",
            "`maml train PRESET -s algorithm=NAME` trains with another algorithm; `-s KEY=VALUE` sets its options.",
            "",
            "## Algorithms",
            "",
            *(line for entry in ALGORITHMS.values() for line in _algorithm(entry)),
            "## Networks",
            "",
            *_table(("network", "", "inputs", "options"), networks),
            "",
            "## Data sets",
            "",
            *_table(("data", "tasks", "origin", "class splits"), data),
        ]
    )


def _algorithm(entry: Algorithm) -> list[str]:
    facts = [f"`{entry.name}` {entry.help}."]
    if entry.paper:
        facts.append(f"Paper: {entry.paper}.")
    facts.append(f"Options: {_listed(entry.options)}.")
    if needs := sorted(entry.needs | entry.needs_for_classes):
        facts.append(f"Needs {', '.join(needs)}{'' if entry.needs else ' (classification)'}.")
    if entry.is_fine_tuned:
        facts.append("Adaptation takes the step size that is best on validation tasks.")
    return [f"### {entry.title}", "", " ".join(facts), "", *(f"- {one}" for one in entry.deviations), ""]


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> list[str]:
    return [f"| {' | '.join(cells)} |" for cells in (head, ("--",) * len(head), *rows)]


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in sorted(names)) or "none"
