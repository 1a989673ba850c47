"""A person's own settings of the interface: `config.toml` in the configuration directory, over which `MAML_*` wins.

No hyperparameter is ever read from here: a preset means the same on every machine.
"""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from engine.errors import UsageError
from engine.files import explain_os_errors, read_bounded
from engine.text import nearest, printable
from maml_tui.widgets.actions import BY_ID, conflicts

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_MAX_BYTES = 1 << 16
_VARIABLES = {"theme": "MAML_THEME", "hz": "MAML_HZ", "charset": "MAML_CHARSET"}


class Interface(BaseModel):
    """The table `[interface]`; `hz` is how often the screen may change a second."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    theme: str = "auto"
    hz: float | None = Field(default=None, ge=0.2, le=20)
    charset: Literal["auto", "unicode", "block", "ascii"] = "auto"


class Settings(BaseModel):
    """All settings; `keys` holds, for the id of an action, its keys instead of the usual ones, comma-separated."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    interface: Interface = Interface()
    keys: dict[str, str] = {}


def read_settings(path: Path, environment: Mapping[str, str]) -> Settings:
    """Return the settings in `path` (none if it does not exist), `environment` laid over them.

    Raises:
        UsageError: Something in either cannot be understood, or two actions have one key.
        ResourceError: The file cannot be read.
    """
    tables = _read_tables(path)
    interface = tables.get("interface", {})
    chosen = {
        name: environment[variable] for name, variable in _VARIABLES.items() if environment.get(variable)
    }
    if isinstance(interface, dict) and chosen:
        tables["interface"] = {**interface, **chosen}
    try:
        settings = Settings.model_validate(tables)
    except ValidationError as error:
        raise UsageError(_explain(dict(error.errors(include_url=False)[0]), path, chosen)) from error
    _check_keys(settings.keys, path)
    return settings


def _read_tables(path: Path) -> dict[str, Any]:
    with explain_os_errors(f"read {path}"):
        try:
            text = read_bounded(path, _MAX_BYTES)
        except FileNotFoundError:
            return {}
    try:
        return tomllib.loads(text.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(f"{printable(path)} is not TOML: {printable(error)}") from error


def _explain(detail: dict[str, Any], path: Path, chosen: Mapping[str, str]) -> str:
    name = ".".join(map(str, detail["loc"]))
    last = str(detail["loc"][-1])
    place = (
        f"{_VARIABLES[last]} = {chosen[last]!r}"
        if last in chosen
        else f"{printable(path)}: {printable(name)}"
    )
    if detail["type"] == "extra_forbidden":
        return f"{place}: unknown setting{nearest(last, [*Interface.model_fields, *Settings.model_fields])}"
    return f"{place}: {str(detail['msg']).replace('Input should be', 'must be')}"


def _check_keys(keys: Mapping[str, str], path: Path) -> None:
    for identity in keys:
        if identity not in BY_ID:
            raise UsageError(
                f"{printable(path)}: keys.{printable(identity)}: unknown action{nearest(identity, BY_ID)}"
            )
    for key, first, second in conflicts(keys):
        raise UsageError(
            f"{printable(path)}: the key {printable(key)} means both {first} and {second}: change one"
        )
