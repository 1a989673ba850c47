"""A user's own classes by name: found along a search path, and run with that user's rights."""

from __future__ import annotations

import importlib
import inspect
import os
import sys
import traceback
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from engine.errors import MamlError, UsageError
from engine.text import nearest, printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


def current_search_path() -> tuple[str, ...]:
    """Return where a user's own modules are looked for now: the current folder, then PYTHONPATH."""
    inherited = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    return tuple(dict.fromkeys(str(Path(place).absolute()) for place in [".", *filter(None, inherited)]))


def use_search_path(places: Iterable[str]) -> None:
    """Let modules be imported from `places`, after everything installed: nothing of ours can be hidden by them."""
    sys.path += [place for place in places if place not in sys.path]


def load_class(reference: str) -> type:
    """Import the class called `package.module:Class`.

    Raises:
        UsageError: There is no such module or class, or the module fails.
    """
    module_name, _, name = reference.partition(":")
    with explained(f"{reference} cannot be imported"):
        try:
            module = importlib.import_module(module_name)
        except ModuleNotFoundError as error:
            if not f"{module_name}.".startswith(f"{error.name}."):
                raise
            raise UsageError(
                f"there is no module {error.name}: it is looked for in the folder where the run was started, along "
                "PYTHONPATH and among what is installed"
            ) from error
    found = getattr(module, name, None)
    if not isinstance(found, type):
        classes = [known for known, value in vars(module).items() if isinstance(value, type)]
        raise UsageError(f"{printable(module.__file__)} has no class {name}{nearest(name, classes)}")
    return found


def source_file(kind: type) -> Path:
    """Return the file that a class is written in."""
    return Path(inspect.getfile(kind))


@contextmanager
def explained(what: str) -> Iterator[None]:
    """Turn whatever a user's own code raises into one sentence that names its line.

    Raises:
        UsageError: Whenever the block raises something else than one of our own errors.
    """
    try:
        yield
    except MamlError:
        raise
    except Exception as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        words = (str(error).strip().splitlines() or [""])[0]
        place = f"{Path(last.filename).name}, line {last.lineno}"
        raise UsageError(f"{what}: {type(error).__name__}: {printable(words)} ({place})") from error
