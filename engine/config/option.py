"""An option of the schema: its default, bounds and everything that help texts and forms say of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import Field

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic.config import JsonDict
    from pydantic.fields import FieldInfo


def option(
    default: object,
    *,
    label: str,
    help: str,  # noqa: A002 - the word that forms and command lines use
    unit: str = "",
    changes_result: bool = True,
    **bounds: Any,  # noqa: ANN401 - handed to pydantic, which checks them
) -> Any:  # noqa: ANN401 - pydantic's own return type
    """Declare one option of the schema.

    Args:
        default: The schema's default.
        label: A few words for forms and tables.
        help: A sentence for help texts.
        unit: The unit of the value; empty for pure numbers and names.
        changes_result: False for what changes time and memory only.
        **bounds: `gt`, `ge`, `lt`, `le`, `pattern`, ... as pydantic knows them.
    """
    extra: JsonDict = {"unit": unit, "changes_result": changes_result}
    return Field(default, title=label, description=help, json_schema_extra=extra, **bounds)


def unit_of(field: FieldInfo) -> str:
    """Return the unit of a schema field, or an empty string."""
    return str(_extra(field).get("unit", ""))


def changes_result(field: FieldInfo) -> bool:
    """Tell whether a schema field changes what a run finds, by more than rounding."""
    return bool(_extra(field).get("changes_result", True))


def _extra(field: FieldInfo) -> Mapping[str, Any]:
    extra = field.json_schema_extra
    return extra if isinstance(extra, dict) else {}
