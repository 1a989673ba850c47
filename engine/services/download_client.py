"""Starting the download process and hearing how it went; see `engine.services.download` for the process itself."""

from __future__ import annotations

import json
import subprocess
import sys

from engine.data import store
from engine.data.store import Imported
from engine.errors import MamlError, ResourceError, UsageError

_ERRORS = {kind.exit_code: kind for kind in (UsageError, ResourceError)}


def download(name: str, url: str | None = None) -> Imported:
    """Download the data set `name` in a process of its own, whose progress appears on stderr.

    Args:
        name: Which data set; `omniglot`.
        url: Where a mirror keeps the files; the publisher's address if None.

    Raises:
        ResourceError: It could not be downloaded or stored; the data directory is as it was.
        MamlError: The process died without saying why.
    """
    # -P keeps an `engine` folder in the current directory from being run instead of this package.
    command = [
        sys.executable,
        "-P",
        "-m",
        "engine.services.download",
        name,
        *([] if url is None else ["--url", url]),
    ]
    # Not subprocess.run: on Ctrl-C that kills the child, which then could not clear its temporary folder.
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as process:
        try:
            answer, _ = process.communicate()
        except SystemExit:  # by SIGTERM, which only this process was sent
            process.terminate()
            raise
    try:
        told = json.loads(answer)
    except ValueError as error:
        raise MamlError(
            f"the download of '{name}' ended early with code {process.returncode}: try again"
        ) from error
    if "error" in told:
        raise _ERRORS.get(process.returncode, MamlError)(told["error"])
    return Imported(store.load(name), tuple(told["warnings"]))
