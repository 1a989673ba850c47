"""For terminals that show ASCII only: the last step before the screen, which lets nothing else through.

What is drawn of dots (plots, pictures, bars) is made of ASCII from the start, see `maml_tui.plotting.glyphs`. All other
signs are written without a thought for such terminals, and spelt here.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from rich.segment import Segment
from textual.filter import LineFilter

from maml_tui.reports.text_table import cell_width

if TYPE_CHECKING:
    from textual.color import Color

_WITH_BLANK = {"± ": "+-", "≥ ": ">=", "≤ ": "<="}  # signs whose spelling takes the blank behind them
_SIGNS = str.maketrans(
    {
        **dict.fromkeys("·–—−─╌┄┈╴╶╸╺", "-"),
        **dict.fromkeys("│┃╎┆┊╵╷▌▐▊▎▏▕", "|"),
        **dict.fromkeys("━═▬", "="),
        **dict.fromkeys("┌┐└┘├┤┬┴┼┏┓┗┛┣┫┳┻╋╭╮╰╯✓±", "+"),
        **dict.fromkeys("█▀▄▇▆▅▃▂■≠", "#"),
        **dict.fromkeys("●•", "*"),
        **dict.fromkeys("✗×", "x"),
        **dict.fromkeys("▸▶→≥", ">"),
        **dict.fromkeys("◀←≤", "<"),
        **dict.fromkeys("▼↓", "v"),
        **dict.fromkeys("▲↑", "^"),
        **dict.fromkeys("▔°", " "),
        "○": "o",
        "‖": "=",
        "≈": "~",
        "…": ".",
        "▁": "_",
        "🔎": "> ",
    }
)


class AsciiOnly(LineFilter):
    """Spells what is about to be shown in ASCII, each sign in as many columns as it takes."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:  # noqa: ARG002 - Textual's signature
        """Return the segments of a line in ASCII."""
        return [Segment(spelt(text), style, control) for text, style, control in segments]


@lru_cache(4096)
def spelt(text: str) -> str:
    """Return a text of the same width in ASCII, with question marks for what has no spelling."""
    if text.isascii():
        return text
    for sign, spelling in _WITH_BLANK.items():
        text = text.replace(sign, spelling)
    return "".join(sign if sign.isascii() else "?" * cell_width(sign) for sign in text.translate(_SIGNS))
