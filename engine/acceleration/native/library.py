"""The native code: compiled at first use, kept in the user's cache, loaded once a process."""

from __future__ import annotations

import ctypes
import hashlib
import os
import platform
import shutil
import stat
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from engine.errors import MamlError, ResourceError
from engine.files import private_dir
from engine.paths import cache_dir
from engine.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterable

_SOURCES = Path(__file__).parent
_COMPILERS = ("c++", "g++", "clang++")
_FLAGS = ("-std=c++17", "-O3", "-march=native", "-fno-math-errno", "-fno-trapping-math", "-fPIC", "-shared")
_MAX_SECONDS = 120
_FUNCTIONS = {
    "conv4": ("outputs", "gradient", "hessian_product", "numbers", "tangent_numbers"),
    "mlp": ("memory", "gradient", "hessian_product"),
}


def call_fields(numbers: Iterable[str], real: str, pointers: Iterable[str]) -> tuple[tuple[str, Any], ...]:
    """Return the fields of a `Call`: whole numbers, one number that is not, and pointers."""
    return (
        *((name, ctypes.c_int64) for name in numbers),
        (real, ctypes.c_double),
        *((name, ctypes.c_void_p) for name in pointers),
    )


class Library:
    """The compiled code of some networks, named as its source without the ending; works on `vector_bytes` at a time.

    Raises:
        OSError: It is not a shared library of this machine.
        AttributeError: It is not this one.
    """

    def __init__(self, path: Path, name: str) -> None:
        code, self.name = ctypes.CDLL(str(path)), name
        self.vector_bytes = int(code.vector_bytes())
        self._functions = {}
        for called in _FUNCTIONS[name]:
            for dtype, suffix in ((torch.float32, "float"), (torch.float64, "double")):
                function = getattr(code, f"{called}_{suffix}")
                function.argtypes, function.restype = (ctypes.c_void_p,), ctypes.c_int64
                self._functions[called, dtype] = function

    def run(self, name: str, dtype: torch.dtype, call: ctypes.Structure) -> int:
        """Call a function of the source for numbers of a type.

        Raises:
            torch.OutOfMemoryError: There is no memory for it.
        """
        found = int(self._functions[name, dtype](ctypes.addressof(call)))
        if not found:
            raise torch.OutOfMemoryError("native code needs more memory than there is")
        return found


class UnavailableError(MamlError):
    """There is no native code here, and why."""


@cache
def library(source: str) -> Library:
    """Return the native code of a source (its name without the ending), compiled if need be.

    Raises:
        UnavailableError: There is no compiler, it failed, or there is no place to keep what it makes.
    """
    compiler = next(filter(None, map(shutil.which, _COMPILERS)), None)
    if compiler is None:
        raise UnavailableError(
            f"there is no C++ compiler here ({', '.join(_COMPILERS[:-1])} or {_COMPILERS[-1]})"
        )
    folder, name = cache_dir() / "native", f"{source}-{_key(source, compiler)}"
    try:
        if not _is_mine(private_dir(folder).stat()):
            raise UnavailableError(
                f"others may write into {folder}; choose another place with MAML_CACHE_DIR"
            )
        kept = _cached(folder, name, source)
        if kept is not None:
            return kept
        path = _compiled(compiler, folder, name, source)
    except (OSError, ResourceError) as error:
        raise UnavailableError(
            f"nothing can be kept in {folder}; choose another place with MAML_CACHE_DIR"
        ) from error
    try:
        return Library(path, source)
    except (OSError, AttributeError) as error:
        raise UnavailableError(
            f"what {compiler} made of it cannot be loaded ({printable(str(error))})"
        ) from error


def _key(source: str, compiler: str) -> str:
    """Return a name for all that decides what the compiler makes: source, options, compiler and processor."""
    digest = hashlib.sha256()
    for path in (_SOURCES / f"{source}.cpp", *sorted(_SOURCES.glob("*.h"))):
        digest.update(path.read_bytes())
    digest.update(" ".join((*_FLAGS, _ask(compiler, "--version"), _processor())).encode())
    return digest.hexdigest()[:16]


def _processor() -> str:
    """Return what the processor can do: code for a richer one would break off on a poorer one."""
    try:
        described = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return f"{platform.machine()} {platform.processor()}"
    lines = described.split("\n\n", 1)[0].splitlines()
    wanted = ("model name", "flags", "Features", "CPU part")
    return "\n".join(line for line in lines if line.startswith(wanted))


def _cached(folder: Path, name: str, source: str) -> Library | None:
    """Return what was compiled before, if it is whole and nobody but its owner could have changed it."""
    for path in sorted(folder.glob(f"{name}-*.so")):
        try:
            if _is_mine(path.stat()) and path.name == _named(name, path.read_bytes()):
                return Library(path, source)
        except (OSError, AttributeError):
            continue  # compiled again below
    return None


def _is_mine(found: os.stat_result) -> bool:
    return found.st_uid == os.getuid() and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def _named(name: str, content: bytes) -> str:
    return f"{name}-{hashlib.sha256(content).hexdigest()}.so"


def _compiled(compiler: str, folder: Path, name: str, source: str) -> Path:
    """Compile the code; two processes that do so at once each keep a whole file."""
    with tempfile.TemporaryDirectory(dir=folder) as made:
        path = Path(made) / "made.so"
        _ask(compiler, *_FLAGS, str(_SOURCES / f"{source}.cpp"), "-o", str(path))
        path.chmod(0o600)
        return path.replace(folder / _named(name, path.read_bytes()))


def _ask(*command: str) -> str:
    """Run the compiler and return what it says.

    Raises:
        UnavailableError: It fails, or takes too long.
    """
    try:
        done = subprocess.run(
            command, capture_output=True, stdin=subprocess.DEVNULL, timeout=_MAX_SECONDS, check=True
        )
    except subprocess.CalledProcessError as error:
        said = error.stderr.decode(errors="replace").strip().splitlines()
        reason = next((line for line in said if "error" in line), said[0] if said else "it says nothing")
        raise UnavailableError(f"{command[0]} does not compile it ({printable(reason)})") from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UnavailableError(f"{command[0]} does not run ({error})") from error
    return done.stdout.decode(errors="replace")
