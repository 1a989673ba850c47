"""The colours of the series.

Each is an entry of the xterm-256 colour cube, so that a terminal (or tmux) without true colour shows the same one.
They were chosen to stay apart for people with protanopia, deuteranopia and tritanopia, on dark and on light grounds.
Colour is still never the only cue: a series also has a stroke and a letter.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Colour:
    """One colour: `hex` for true colour and SVG, `xterm` (16 to 231) where only 256 colours exist."""

    name: str
    hex: str
    xterm: int


PALETTE = (
    Colour("blue", "#0087d7", 32),
    Colour("orange", "#ff8700", 208),
    Colour("violet", "#af00ff", 129),
    Colour("olive", "#87af5f", 107),
    Colour("red", "#d70000", 160),
    Colour("plum", "#875f87", 96),
)


def colour(slot: int) -> Colour:
    """Return the colour of the series in a slot; slots beyond the palette start over."""
    return PALETTE[slot % len(PALETTE)]
