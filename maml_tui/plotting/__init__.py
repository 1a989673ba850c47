"""Plots as pure functions: series of numbers become text cells, SVG or CSV. Needs numpy only."""

from __future__ import annotations

from enum import StrEnum


class Charset(StrEnum):
    """What the terminal's font can be trusted with; the values are those of the `--charset` option."""

    UNICODE = "unicode"
    BLOCK = "block"
    ASCII = "ascii"
