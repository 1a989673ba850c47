from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from maml_tui.plotting.grid import Grid, Role, Span, changed_regions, role_of, slot_of, style_code

cells = st.integers(0, 14).flatmap(
    lambda width: st.lists(
        st.lists(st.sampled_from(" ab"), min_size=width + 1, max_size=width + 1).map("".join),
        min_size=2,
        max_size=2,
    )
)


def grid_of(*rows):
    grid = Grid.blank(len(rows[0]), len(rows))
    for row, text in enumerate(rows):
        grid.write(row, 0, text, Role.LABEL)
    return grid


def repainted(old, new, spans):
    lines = [list(row) for row in old.rows()]
    for span in spans:
        lines[span.row][span.start : span.stop] = new.rows()[span.row][span.start : span.stop]
    return ["".join(line) for line in lines]


@given(cells)
def test_repainting_what_changed_gives_the_new_picture(rows):
    old, new = (grid_of(row, "same".ljust(len(row))[: len(row)]) for row in rows)
    spans = changed_regions(old, new)
    assert repainted(old, new, spans) == new.rows()
    assert all(span.row == 0 and span.start < span.stop for span in spans)


def test_near_changes_are_joined_and_far_ones_are_not():
    old, new = grid_of(" " * 20), grid_of("x  x" + " " * 15 + "x")
    assert changed_regions(old, new) == (Span(0, 0, 4), Span(0, 19, 20))


def test_changes_of_colour_and_band_count():
    old, new = grid_of("ab"), grid_of("ab")
    new.styles[0, 0] = Role.AXIS
    assert changed_regions(old, new) == (Span(0, 0, 1),)
    new.bands[0, 1] = 1
    assert changed_regions(old, new) == (Span(0, 0, 2),)


def test_nothing_changed_is_nothing_to_repaint():
    assert changed_regions(grid_of("ab"), grid_of("ab")) == ()


def test_a_new_size_repaints_everything():
    new = grid_of("ab", "cd")
    assert changed_regions(None, new) == changed_regions(grid_of("a"), new) == (Span(0, 0, 2), Span(1, 0, 2))


@given(st.sampled_from(Role), st.integers(0, 500))
def test_a_style_code_tells_role_and_slot(role, slot):
    code = np.int16(style_code(role, slot))
    assert (role_of(int(code)), slot_of(int(code))) == (role, slot)


def test_text_is_cut_off_at_the_edges():
    grid = Grid.blank(3, 1)
    grid.write(0, -1, "abcdef", Role.LABEL)
    grid.write(5, 0, "x", Role.LABEL)
    assert grid.rows() == ["bcd"]


def test_shading_fills_only_empty_cells():
    grid = grid_of("a  ")
    grid.bands[0, :2], grid.shades[0, :2] = 3, "░"
    shaded = grid.shaded()
    assert shaded.rows() == ["a░ "]
    assert shaded.styles[0].tolist() == [Role.LABEL, style_code(Role.BAND, 2), Role.LABEL]
    assert grid.rows() == ["a  "]
