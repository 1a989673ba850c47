"""Text from outside: made fit to be shown, and compared with what was meant."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def printable(text: object) -> str:
    r"""Return `text` with everything that could steer a terminal escaped (`\x1b`, `\n`, `\u202e`)."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in str(text))


def nearest(name: str, known: Iterable[str]) -> str:
    """Return ` (did you mean X?)` for the known name closest to `name`, or an empty string."""
    match = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f" (did you mean {match[0]}?)" if match else ""
