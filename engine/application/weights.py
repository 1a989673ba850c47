"""Parameters as a safetensors file: numbers and text, nothing that a reader would execute.

What is known of them stands in the file's metadata: the fields of `Facts` and the form of pictures, each as JSON.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pydantic import ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from engine.application.protocol import Facts
from engine.data.pictures import Form
from engine.errors import ResourceError, UsageError
from engine.files import explain_os_errors, write_atomic
from engine.text import printable

if TYPE_CHECKING:
    from pathlib import Path

    from engine.algorithms.adapt import Params

_FORMAT = "maml-tui initialisation 1"


def write_weights(path: Path, theta: Params, facts: Facts, form: Form | None, *, force: bool) -> None:
    """Write parameters and what is known of them, whole or not at all.

    Raises:
        UsageError: There is such a file and `force` is not set.
        ResourceError: It cannot be written.
    """
    if path.exists() and not force:
        raise UsageError(f"{printable(path)} exists: add --force to replace it")
    known = {name: json.dumps(value) for name, value in json.loads(facts.model_dump_json()).items()}
    metadata = {"format": _FORMAT, **known, "form": json.dumps(form)}
    write_atomic(path, save({name: value.contiguous() for name, value in theta.items()}, metadata))


def read_weights(path: Path) -> tuple[Params, Facts, Form | None]:
    """Read what `write_weights` wrote.

    Raises:
        ResourceError: It cannot be read, is damaged, or was not written by this program.
    """
    with explain_os_errors(f"read {path}"):
        try:
            with safe_open(path, "pt") as file:
                metadata: dict[str, str] = file.metadata() or {}
                theta = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no dictionary
        except SafetensorError as error:
            raise ResourceError(f"{printable(path)} is not a whole safetensors file: {error}") from error
    if metadata.pop("format", None) != _FORMAT:
        raise ResourceError(
            f"{printable(path)} was not written by `maml export` of this version: its metadata say nothing of a network"
        )
    try:
        known = {name: json.loads(text) for name, text in metadata.items()}
        form = known.pop("form")
        return theta, Facts.model_validate(known), None if form is None else Form(*form)
    except (ValueError, KeyError, TypeError, RecursionError, ValidationError) as error:
        raise ResourceError(f"{printable(path)} has damaged metadata: export it again") from error
