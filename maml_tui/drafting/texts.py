"""Values of the schema as they are typed into a form. The command line's `-s key=value` reads the same texts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, get_args, get_origin

from engine.config.resolve import override_layer

if TYPE_CHECKING:
    from engine.config.fields import OptionField

KNOWN_DATA = ("sinusoid", "strokes", "omniglot", "miniimagenet")
"""Data sets that can be chosen whether or not they are installed."""


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


def choices(known: OptionField) -> tuple[str, ...]:
    """Return the texts an option can be chosen from; none where it is typed, or is switched on and off.

    Of data sets, these are the known ones; `data_sets` has all.
    """
    if known.name == "data":
        return KNOWN_DATA
    annotation = known.info.annotation
    return get_args(annotation) if get_origin(annotation) is Literal else ()


def data_sets() -> tuple[str, ...]:
    """Return the names of all data sets, those of a person's own among them."""
    from engine.data.store import installed  # only now: numpy comes with it

    return tuple(dict.fromkeys((*KNOWN_DATA, *installed())))
