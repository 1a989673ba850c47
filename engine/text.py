"""Text from outside, made fit to be shown."""

from __future__ import annotations


def printable(text: object) -> str:
    r"""Return `text` with everything that could steer a terminal escaped (`\x1b`, `\n`, `\u202e`)."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in str(text))
