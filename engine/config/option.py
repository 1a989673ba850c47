"""An option of the schema: its default, bounds and everything a person needs to be told about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import Field

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic.config import JsonDict
    from pydantic.fields import FieldInfo


@dataclass(frozen=True)
class Condition:
    """States for which values of another option an option has an effect.

    Attributes:
        key: The other option's name.
        values: The values of it that are meant.
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


SINUSOID = Condition("data", frozenset({"sinusoid"}))
CUSTOM_REGRESSION, CUSTOM_CLASSIFICATION = "custom-regression", "custom-classification"
CLASSIFICATION = Condition("data", frozenset({"sinusoid", CUSTOM_REGRESSION}), inverted=True)
PICTURES = Condition("data", frozenset({"sinusoid", CUSTOM_REGRESSION, CUSTOM_CLASSIFICATION}), inverted=True)
CUSTOM_TASKS = Condition("data", frozenset({CUSTOM_REGRESSION, CUSTOM_CLASSIFICATION}))
STROKES = Condition("data", frozenset({"strokes"}))
PUBLISHED = Condition("data", frozenset({"omniglot", "miniimagenet"}))
CUSTOM_NETWORK = Condition("network", frozenset({"custom"}))
MLP = Condition("network", frozenset({"mlp"}))
CONVOLUTIONAL = Condition("network", frozenset({"conv4-stride", "conv4-pool"}))
INNER_LOOP = Condition("algorithm", frozenset({"maml", "fomaml"}))
LEARNING = Condition("algorithm", frozenset({"scratch"}), inverted=True)
FINE_TUNED = Condition("algorithm", frozenset({"pretrained", "scratch", "oracle"}))


def option(
    default: object,
    *,
    label: str,
    help: str,  # noqa: A002 - the word that forms and command lines use
    unit: str = "",
    when: Condition | None = None,
    changes_result: bool = True,
    **bounds: Any,  # noqa: ANN401 - handed to pydantic, which checks them
) -> Any:  # noqa: ANN401 - pydantic's own return type
    """Declare one option of the schema.

    Args:
        default: The schema's default.
        label: A few words for forms and tables.
        help: A sentence for help texts.
        unit: The unit of the value; empty for pure numbers and names.
        when: The condition under which the option has an effect; None for always.
        changes_result: False for what changes time and memory only.
        **bounds: `gt`, `ge`, `lt`, `le`, `pattern`, ... as pydantic knows them.
    """
    extra: JsonDict = {"unit": unit, "changes_result": changes_result}
    if when is not None:
        extra["when"] = {"key": when.key, "values": [*sorted(when.values)], "inverted": when.inverted}
    return Field(default, title=label, description=help, json_schema_extra=extra, **bounds)


def unit_of(field: FieldInfo) -> str:
    """Return the unit of a schema field, or an empty string."""
    return str(_extra(field).get("unit", ""))


def changes_result(field: FieldInfo) -> bool:
    """Tell whether a schema field changes what a run finds, by more than rounding."""
    return bool(_extra(field).get("changes_result", True))


def condition_of(field: FieldInfo) -> Condition | None:
    """Return the condition under which a schema field has an effect, or None for always."""
    when = _extra(field).get("when")
    if not isinstance(when, dict):
        return None
    return Condition(str(when["key"]), frozenset(when["values"]), inverted=bool(when["inverted"]))


def _extra(field: FieldInfo) -> Mapping[str, Any]:
    extra = field.json_schema_extra
    return extra if isinstance(extra, dict) else {}
