"""The fields of the form: one for each option of the schema, and two about the run itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.config.fields import OptionField, all_fields
from maml_tui.pages.setup.draft import DEVICE, NAME, choices

if TYPE_CHECKING:
    from collections.abc import Iterable

TASK, MAML, RUN = "Task", "MAML", "Run"
GROUPS = (TASK, MAML, RUN)
"""Headings, in their order."""

_GROUP_OF = {"task": TASK, "model": MAML, "algorithm": MAML, "training": MAML, "evaluation": RUN}
_MAX_IN_HALF_A_LINE = 8


@dataclass(frozen=True)
class Field:
    """A line of the form, or half of one.

    Attributes:
        name: The option's name, `NAME` or `DEVICE`.
        group: The heading it stands under.
        label: A few words.
        help: A sentence, with unit and bounds.
        choices: The texts to choose from; none where it is typed or switched.
        switch: Whether it is on or off.
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
        Field(
            NAME,
            RUN,
            "name",
            "What to call the run; if left empty, what is trained and how.",
            whole_line=True,
        ),
    ]
    return sorted(fields, key=lambda field: (GROUPS.index(field.group), not field.whole_line))


def _of_option(known: OptionField) -> Field:
    offered = choices(known)
    long = isinstance(known.info.default, tuple) or any(len(text) > _MAX_IN_HALF_A_LINE for text in offered)
    limits = ", ".join([*([known.unit] if known.unit else []), *_bounds(known.info.metadata)])
    return Field(
        name=known.name,
        group=_GROUP_OF[known.section],
        label=known.label,
        help=f"{known.help} ({limits})" if limits else known.help,
        choices=offered,
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
