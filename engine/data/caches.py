"""Reading the pickled caches that MiniImagenet circulates in, without running what a pickle may ask to run.

A pickle is a program. Of what it may call, this reader knows the handful of names that make up a numpy array, and
puts classes of its own in their place, which hold data and do nothing; any other name ends the reading. numpy's own
unpickling is not used either.
"""

from __future__ import annotations

import pickle
import re
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

import numpy as np

from engine.data.archives import reading
from engine.errors import ResourceError
from engine.text import printable

if TYPE_CHECKING:
    from pathlib import Path

_SUFFIXES = (".pkl", ".pickle")
_NO_CACHE = (
    pickle.UnpicklingError,
    TypeError,
    LookupError,
    AttributeError,
    ImportError,
    OverflowError,
    MemoryError,
)


class Cache(NamedTuple):
    """What a cache file holds.

    Attributes:
        images: `[examples, height, width, 3]` uint8.
        classes: Class name -> `[examples of the class]` positions in `images`.
    """

    images: np.ndarray
    classes: dict[str, np.ndarray]


def find_caches(path: Path) -> tuple[Path, ...]:
    """Return the caches of train, val and test in the folder `path`, or beside the cache `path`; else nothing.

    Raises:
        ResourceError: There are some, but not one for each part.
    """
    folder = path if path.is_dir() else path.parent
    if path != folder and path.suffix not in _SUFFIXES:
        return ()
    files = [file for file in sorted(folder.iterdir()) if file.suffix in _SUFFIXES]
    # train_phase_val and train_phase_test hold other pictures of the training classes.
    files = [file for file in files if not re.search("train_phase_(val|test)$", file.stem)]
    by_part = [[file for file in files if file.stem.endswith(part)] for part in ("train", "val", "test")]
    if files and any(len(found) != 1 for found in by_part):
        raise ResourceError(
            f"{printable(folder)} does not have one cache each for train, val and test: "
            f"its pickles are {', '.join(printable(file.name) for file in files)}"
        )
    return tuple(file for found in by_part for file in found)


def read_cache(path: Path) -> Cache:
    """Read a pickle with `image_data` and `class_dict`, or with `data`, `labels` and `catname2label`.

    Raises:
        ResourceError: It is damaged, is another kind of pickle, or asks for anything but arrays, numbers and text.
    """
    try:
        with reading(str(path)), path.open("rb") as file:
            content = _Reader(file).load()
            if "image_data" in content:
                return _cache(content["image_data"], content["class_dict"])
            numbers, names = _numbers(content["labels"]), content["catname2label"]
            return _cache(content["data"], {name: np.flatnonzero(numbers == names[name]) for name in names})
    except _NO_CACHE as error:
        raise ResourceError(
            f"{printable(path)} is no cache of pictures and classes ({printable(error)})"
        ) from error


def _cache(images: object, positions: dict[str, Any]) -> Cache:
    if not isinstance(images, _Array):
        raise TypeError("its pictures are no array")
    pixels = images.value
    if pixels.dtype != np.uint8 or pixels.ndim != 4 or pixels.shape[-1] != 3 or not pixels.size:
        raise TypeError(f"its pictures are {pixels.dtype} of shape {pixels.shape}")
    classes = {str(name): _numbers(found) for name, found in positions.items()}
    everything = np.sort(np.concatenate(list(classes.values())))
    if not np.array_equal(everything, np.arange(len(pixels))):
        raise IndexError("its classes do not have every picture once")
    return Cache(pixels, classes)


def _numbers(found: object) -> np.ndarray:
    numbers = found.value if isinstance(found, _Array) else np.asarray(found)
    if numbers.ndim != 1 or numbers.dtype.kind not in "iu":
        raise TypeError("its labels are not whole numbers")
    return numbers.astype(np.int64)


class _Stub:
    def __setstate__(self, state: Any) -> None:  # noqa: ANN401 - whatever the pickle holds
        raise pickle.UnpicklingError("it sets what has no state")


class _Type(_Stub):
    """Stands in for `numpy.dtype`."""

    def __init__(self, code: str, *_: object) -> None:
        if not re.fullmatch("[biuf][1248]", code):
            raise pickle.UnpicklingError(f"it has arrays of {code}")
        self.value = np.dtype(code)

    def __setstate__(self, state: Any) -> None:  # noqa: ANN401
        if state[1] == ">":
            self.value = self.value.newbyteorder(">")


class _Array(_Stub):
    """Stands in for `numpy.ndarray` and for what makes an empty one."""

    def __init__(self, *_: object) -> None:
        self.value: np.ndarray = np.empty(0)

    def __setstate__(self, state: Any) -> None:  # noqa: ANN401
        _, shape, kind, fortran, content = state
        self.fill(content, kind, shape, "F" if fortran else "C")

    def fill(self, content: bytes | str, kind: _Type, shape: tuple[int, ...], order: Any) -> None:  # noqa: ANN401
        raw = content.encode("latin1") if isinstance(content, str) else content
        self.value = np.frombuffer(raw, kind.value).reshape(shape, order=order)


class _Buffer(_Array):
    """Stands in for numpy's `_frombuffer`."""

    def __init__(self, content: bytes, kind: _Type, shape: tuple[int, ...], order: str) -> None:
        self.fill(content, kind, shape, order)


class _Number(_Stub):
    """Stands in for numpy's `scalar`, and makes a plain number."""

    def __new__(cls, kind: _Type, content: bytes | str) -> Any:  # noqa: ANN401
        raw = content.encode("latin1") if isinstance(content, str) else content
        return np.frombuffer(raw, kind.value).item()


class _Bytes(_Stub):
    """Stands in for `_codecs.encode`, by which Python 3 writes bytes for Python 2."""

    def __new__(cls, text: str, _: str) -> Any:  # noqa: ANN401
        return text.encode("latin1")


_KNOWN = {
    ("numpy", "ndarray"): _Array,
    ("numpy", "dtype"): _Type,
    ("_codecs", "encode"): _Bytes,
    **{
        (f"numpy.{core}.{module}", name): stub
        for core in ("core", "_core")
        for module, name, stub in (
            ("multiarray", "_reconstruct", _Array),
            ("multiarray", "scalar", _Number),
            ("numeric", "_frombuffer", _Buffer),
        )
    },
}


# Python's own unpickler: the other one makes room for as much as a pickle claims to hold.
class _Reader(pickle._Unpickler):
    def __init__(self, file: BinaryIO) -> None:
        super().__init__(file, encoding="latin1")  # as Python 2 wrote its bytes
        self._name = file.name

    def find_class(self, module: str, name: str) -> Any:  # noqa: ANN401
        if (module, name) not in _KNOWN:
            raise ResourceError(
                f"{printable(self._name)} asks for {printable(module)}.{printable(name)}, which no set of pictures "
                "needs: it is not to be trusted, and nothing of it was run"
            )
        return _KNOWN[module, name]
