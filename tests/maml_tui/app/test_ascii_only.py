from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.color import Color

from maml_tui.app.ascii_only import AsciiOnly, spelt


@pytest.mark.parametrize(
    ("text", "in_ascii"),
    [
        ("82.00 ± 3.54 %", "82.00 +-3.54 %"),
        ("must be ≥ 1", "must be >=1"),
        ("╭─ Runs · 7 ─╮", "+- Runs - 7 -+"),
        ("━━──", "==--"),
        ("Stop…", "Stop."),
        ("✓ ✗ ●", "+ x *"),
        ("naïve 語", "na?ve ??"),
    ],
)
def test_signs_are_spelt_in_as_many_columns(text, in_ascii):
    assert spelt(text) == in_ascii


@given(st.text())
def test_nothing_but_ascii_of_the_same_width_comes_out(text):
    assert spelt(text).isascii()
    if text.isprintable():
        assert cell_len(spelt(text)) == cell_len(text)


def test_a_line_keeps_its_styles():
    bold = Style(bold=True)
    line = [Segment("a", bold), Segment("│", None)]
    assert AsciiOnly().apply(line, Color(0, 0, 0)) == [Segment("a", bold), Segment("|", None)]
