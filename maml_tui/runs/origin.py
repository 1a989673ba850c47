"""The parameters that a person means by a reference: a run's, an exported file's, or shipped ones."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from engine.errors import UsageError
from engine.paths import assets_dir
from engine.runs.index import find_run
from engine.services.apply_messages import Origin
from engine.text import printable

if TYPE_CHECKING:
    from engine.runs.checkpoints import Label

_SUFFIX = ".safetensors"


def find_origin(reference: str, checkpoint: Label | None) -> Origin:
    """Return the parameters of a `.safetensors` file, of a run that `find_run` knows, or of an initialisation by name.

    Raises:
        UsageError: There is none, or a checkpoint of a file is asked for.
    """
    file = _file(reference)
    if file is None:
        return Origin(run=str(find_run(reference).path), checkpoint=checkpoint)
    if checkpoint is not None:
        raise UsageError(f"{printable(reference)} is no run and has no checkpoints: leave out --checkpoint")
    return Origin(file=str(file))


def shipped() -> tuple[str, ...]:
    """Return the names of the initialisations that come with the program."""
    return tuple(sorted(path.stem for path in _folder().glob(f"*{_SUFFIX}")))


def _file(reference: str) -> Path | None:
    """Return the file that is meant, or None where a run is. A run of one's own comes before a shipped name."""
    if reference.endswith(_SUFFIX):
        path = Path(reference).expanduser().absolute()
        if not path.is_file():
            raise UsageError(f"there is no file {printable(reference)}: write one with `maml export`")
        return path
    if reference not in shipped():
        return None
    try:
        find_run(reference)
    except UsageError:
        return _folder() / f"{reference}{_SUFFIX}"
    return None


def _folder() -> Path:
    return assets_dir() / "initialisations"
