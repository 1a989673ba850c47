"""Omniglot, downloaded through torchvision, which needs torch. Progress goes to stderr."""

from __future__ import annotations

import importlib
import importlib.util
import socket
import ssl
import sys
import tempfile
from contextlib import nullcontext, redirect_stderr
from functools import cache, partial
from http.client import HTTPException
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.error import HTTPError, URLError

import torch
from torch.library import Library

from engine.data.archives import looks_like_html
from engine.data.omniglot import import_copy as import_omniglot
from engine.errors import ResourceError
from engine.services.messages import DOWNLOAD, DownloadReport, DownloadRequest
from engine.services.server import Handler
from engine.text import printable

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from engine.data.store import Imported


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


_SILENCE_S = 30.0  # a server that says nothing for so long is given up on
_NETWORK = (URLError, HTTPException, ConnectionError, TimeoutError, ssl.SSLError, RuntimeError, ValueError)
_INSTEAD = (
    "try again, name a mirror with MAML_OMNIGLOT_URL, or fetch images_background.zip and images_evaluation.zip "
    "by other means and run `maml data import omniglot PATH`"
)


def download_omniglot(url: str | None = None) -> Imported:
    """Download both parts of Omniglot into a temporary folder, check them by MD5, and import them.

    Args:
        url: What stands before `/images_background.zip`; torchvision's own address if None.

    Raises:
        ResourceError: No network, no such file, not the published file, or no space; nothing is left behind.
    """
    dataset = import_datasets().Omniglot
    if url is not None:
        dataset = type("Mirror", (dataset,), {"download_url_prefix": url.rstrip("/")})
    try:
        with tempfile.TemporaryDirectory(prefix="maml-download-") as folder:
            for part, background in (("images_background", True), ("images_evaluation", False)):
                fetch = partial(dataset, folder, background=background, download=True)
                received = Path(folder, dataset.folder, f"{part}.zip")
                _fetch(fetch, f"{dataset.download_url_prefix}/{received.name}", received)
            return import_omniglot(Path(folder))
    except OSError as error:
        raise ResourceError(
            f"cannot write the download to {tempfile.gettempdir()} ({error.strerror or error}): "
            "make room there, or choose another directory with TMPDIR"
        ) from error


def answer(request: DownloadRequest) -> DownloadReport:
    """Download and import; errors are those of `download_omniglot`."""
    socket.setdefaulttimeout(_SILENCE_S)
    return DownloadReport(warnings=download_omniglot(request.url).warnings)


HANDLER = Handler(DOWNLOAD, answer)


def _fetch(fetch: Callable[[], object], url: str, received: Path) -> None:
    print(f"downloading {printable(url)}", file=sys.stderr, flush=True)
    try:
        # torchvision redraws a bar, which in a log would be noise.
        with nullcontext() if sys.stderr.isatty() else redirect_stderr(StringIO()):
            fetch()
    except _NETWORK as error:
        reason = _explain(error, received)
        raise ResourceError(f"cannot download {printable(url)} ({reason}): {_INSTEAD}") from error


def _explain(error: Exception, received: Path) -> str:
    if isinstance(error, HTTPError):
        return printable(f"the server answered {error.code} {error.reason}")
    if isinstance(error, RuntimeError) and received.exists():
        return _what_is_wrong_with(received)
    return printable(getattr(error, "reason", error))


def _what_is_wrong_with(received: Path) -> str:
    with received.open("rb") as file:
        if looks_like_html(file.read(512)):
            return "what came is an HTML page, so the download was probably redirected"
    return f"the {received.stat().st_size:,} bytes that came do not have the published checksum"
