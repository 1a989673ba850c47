"""Which characters a picture may be made of: a terminal's font can be trusted with more or with fewer."""

from __future__ import annotations

from enum import StrEnum


class Charset(StrEnum):
    """What the terminal's font can be trusted with; the values are those of the `--charset` option."""

    UNICODE = "unicode"
    BLOCK = "block"
    ASCII = "ascii"
