"""An option of the schema: its default, bounds and everything that help texts and forms say of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import Field

if TYPE_CHECKING:
    from pydantic.config import JsonDict


def option(
    default: object,
    *,
    help: str,  # noqa: A002 - the word that forms and command lines use
    label: str | None = None,
    unit: str = "",
    changes_result: bool = True,
    **bounds: Any,  # noqa: ANN401 - handed to pydantic, which checks them
) -> Any:  # noqa: ANN401 - pydantic's own return type
    """Declare one option of the schema.

    Args:
        label: A few words for forms and tables; None for the option's name in words.
        unit: The unit of the value; empty for pure numbers and names.
        changes_result: False for what changes time and memory only.
        **bounds: `gt`, `ge`, `lt`, `le`, `pattern`, ... as pydantic knows them.
    """
    extra: JsonDict = {"unit": unit, "changes_result": changes_result}
    return Field(default, title=label, description=help, json_schema_extra=extra, **bounds)
