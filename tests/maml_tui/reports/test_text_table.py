from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from engine.text import printable
from maml_tui.reports.text_table import aligned, cell_width, cut, padded, table_width, wrapped

OWL, CAFE = "ふくろう", "cafe\u0301"  # four characters of two cells; an e and its accent in one cell
ANY_TEXT = st.text(st.one_of(st.characters(), st.sampled_from("ふろ猫é\u0301±…█✓🦉")), max_size=30).map(
    printable
)
ASCII = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=30)


@pytest.mark.parametrize(
    ("text", "cells"),
    [("", 0), ("owl", 3), (OWL, 8), (CAFE, 4), ("café", 4), ("± 0.5", 5), ("✓…", 2), ("🦉", 2)],
)
def test_width_in_cells(text, cells):
    assert cell_width(text) == cells


@given(ANY_TEXT)
def test_width_is_the_width_that_is_drawn(text):
    assert cell_width(text) == cell_len(text)


@given(ANY_TEXT, st.integers(0, 40), st.sampled_from(["", "…", ".."]))
def test_cut_text_fits_and_short_text_stays(text, width, ellipsis):
    short = cut(text, width, ellipsis)
    assert cell_width(short) <= width
    assert (short == text) == (cell_width(text) <= width)
    assert short == text or short.endswith(ellipsis[:width])


@pytest.mark.parametrize(("width", "expected"), [(8, OWL), (7, "ふくろ…"), (6, "ふく …"), (1, "…"), (0, "")])
def test_wide_text_is_cut_between_characters(width, expected):
    assert cut(OWL, width) == expected


def test_accent_is_not_cut_off_its_letter():
    assert cut(CAFE + " au lait", 5) == CAFE + "…"


@given(
    st.lists(st.sampled_from(["owl", OWL, CAFE, "猫", "🦉", "± 1", "█✓…"]))
    .map("".join)
    .map(lambda text: text[:40]),
    st.booleans(),
)
def test_padded_text_takes_exactly_its_cells(text, right):
    filled = padded(text, 80, right=right)
    assert cell_width(filled) == 80
    assert filled.strip() == text.strip()


def test_columns_align_below_wide_names():
    rows = [("class", "images"), (OWL, "20"), (CAFE, "7")]
    lines = aligned(rows, numbers=True)
    assert lines == ["class     images", f"{OWL}      20", f"{CAFE}           7"]
    assert {cell_width(line) for line in lines} == {table_width(rows)}
    assert aligned(rows) == ["class     images", f"{OWL}  20", f"{CAFE}      7"]
    assert aligned([]) == []


@given(st.lists(st.tuples(ASCII, ASCII, ASCII), min_size=1, max_size=5))
def test_ascii_columns_are_those_of_str_ljust(rows):
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    assert aligned(rows) == ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
    assert table_width(rows) == sum(widths) + 4


@given(ASCII, st.integers(5, 40))
def test_ascii_text_is_wrapped_as_ever(text, width):
    options = {"subsequent_indent": "  ", "break_long_words": False, "break_on_hyphens": False}
    assert wrapped(text, width, "  ") == textwrap.wrap(text, width, **options)


@given(st.lists(st.sampled_from(["owl", OWL, "猫", CAFE, "-"]), min_size=1), st.integers(10, 30))
def test_wide_words_are_wrapped_by_cells_and_none_is_lost(words, width):
    lines = wrapped(" ".join(words), width, "  ")
    assert " ".join(lines).split() == words
    assert all(cell_width(line) <= width for line in lines)


def test_rich_is_loaded_for_wide_text_only():
    script = (
        "import sys; from maml_tui.reports.text_table import aligned;"
        "aligned([('café', '93.12 ± 0.71')]); print('rich' in sys.modules);"
        f"aligned([('{OWL}',)]); print('rich.cells' in sys.modules, 'rich.console' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True", "False"]
