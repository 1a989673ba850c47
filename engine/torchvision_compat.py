"""Importing torchvision's data sets beside a torch that its compiled part was not built for.

torchvision registers shape functions for its operators when it is imported. Beside a torch of another build (a
CPU-only one, say) its compiled part does not load, the operators do not exist, and the import ends in "operator
torchvision::nms does not exist", although the data sets need none of them. Declaring the operators is enough.
"""

from __future__ import annotations

import importlib
import importlib.util
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch.library import Library

from engine.errors import ResourceError

if TYPE_CHECKING:
    from types import ModuleType

_SUPPRESSION = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"


def import_datasets() -> ModuleType:
    """Return the module `torchvision.datasets`.

    Raises:
        ResourceError: torchvision is not installed, or cannot be imported beside this torch.
    """
    try:
        spec = importlib.util.find_spec("torchvision")
        if spec is not None and not _compiled_part_loads(Path(str(spec.origin)).parent):
            _declare_operators()
        return importlib.import_module("torchvision.datasets")
    except (ImportError, RuntimeError, OSError) as error:
        reason = str(error).splitlines()[0]
        raise ResourceError(
            f"torchvision cannot be imported beside torch {torch.__version__} ({reason}): "
            "install the torchvision that was released with it"
        ) from error


def _compiled_part_loads(folder: Path) -> bool:
    libraries = list(folder.glob("_C.*"))
    try:
        for library in libraries:
            torch.ops.load_library(library)  # type: ignore[no-untyped-call]
    except OSError:
        return False
    return bool(libraries)


@cache
def _declare_operators() -> Library:
    # Cached, because the declarations last only as long as the object does.
    declared = Library("torchvision", "FRAGMENT")  # type: ignore[no-untyped-call]
    for name in ("nms", "qnms"):
        declared.define(f"{name}{_SUPPRESSION}")  # type: ignore[no-untyped-call]
    return declared
