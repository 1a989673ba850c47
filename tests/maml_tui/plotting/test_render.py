from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maml_tui.plotting import Charset
from maml_tui.plotting.figure_files import to_svg
from maml_tui.plotting.grid import Role, changed_regions, role_of, slot_of, style_code
from maml_tui.plotting.render import render
from maml_tui.plotting.scales import Unit
from maml_tui.plotting.series import Plot, Series, Stroke

ASCII_CHARACTERS = set(map(chr, range(32, 127)))


def diagonal(charset, **view):
    return Plot((Series("a", [0, 10], [0, 1]),), y_range=(0, 1), charset=charset, x_unit=Unit.NUMBER, **view)


def roles(grid):
    return {role_of(int(code)) for code in grid.styles.flat}


@pytest.mark.parametrize(
    ("charset", "picture"),
    [
        (
            Charset.UNICODE,
            [
                "  1.0┤              ⢀⡠⠔A",
                "     │           ⣀⠔⠊⠁   ",
                "  0.5┤       ⣀⠤⠒⠉       ",
                "     │   ⢀⡠⠔⠉           ",
                "  0.0┤⡠⠔⠊⠁              ",
                "     └┬────────┬───────┬",
                "      0        5      10",
            ],
        ),
        (
            Charset.BLOCK,
            [
                "  1.0┤               ▄▄A",
                "     │           ▄▄▀▀   ",
                "  0.5┤       ▄▄▀▀       ",
                "     │   ▄▄▀▀           ",
                "  0.0┤▄▀▀               ",
                "     └┬────────┬───────┬",
                "      0        5      10",
            ],
        ),
        (
            Charset.ASCII,
            [
                "  1.0+               ..A",
                "     |           ..''   ",
                "  0.5+       ..''       ",
                "     |   ..''           ",
                "  0.0+.''               ",
                "     ++-------+--------+",
                "      0       5       10",
            ],
        ),
    ],
)
def test_a_small_plot_looks_like_this(charset, picture):
    assert render(diagonal(charset), 24, 7).rows() == picture


def test_a_band_is_tinted_shaded_or_edged():
    x = [0, 10]
    plot = Plot((Series("a", x, [0.5, 0.5], [0.05, 0.05], [0.95, 0.95], slot=2),), y_range=(0, 1))
    grid = render(plot, 8, 4)
    assert grid.rows() == ["        ", "        ", "⠉⠉⠉⠉⠉⠉⠉C", "        "]
    assert (grid.bands == 3).all(axis=1).tolist() == [True] * 4
    assert grid.shaded().rows() == ["░░░░░░░░", "░░░░░░░░", "⠉⠉⠉⠉⠉⠉⠉C", "░░░░░░░░"]
    assert render(replace(plot, charset=Charset.ASCII), 8, 4).shaded().rows()[0] == "++++++++"
    assert render(replace(plot, charset=Charset.ASCII), 8, 4).shaded().rows()[3] == "--------"
    assert not render(replace(plot, band=False), 8, 4).bands.any()


def test_a_thin_band_tints_the_cell_of_the_line_but_is_not_shaded():
    y = np.array([0.5, 0.5])
    grid = render(Plot((Series("a", [0, 10], y, y - 0.001, y + 0.001),), y_range=(0, 1)), 8, 3)
    assert grid.bands.sum(axis=1).tolist() == [0, 8, 0]
    assert grid.shaded().rows() == grid.rows()


def test_later_series_lie_on_top_and_dots_beneath_stay():
    line = Series("a", [0, 10], [1, 1])
    other = Series("b", [0, 10], [0, 0], slot=1)
    grid = render(Plot((line, other), y_range=(0, 1)), 6, 1)
    assert grid.rows() == ["⣉⣉⣉⣉⣉A"]
    assert {slot_of(int(code)) for code in grid.styles[0, :-1]} == {1}


def test_a_smoothed_line_replaces_the_raw_one_beneath():
    series = Series("a", np.arange(400), np.tile([0.0, 1.0], 200))
    plot = Plot((series,), y_range=(0, 1), smoothing=0.99)
    both, alone = (
        render(plot, 40, 8),
        render(Plot((replace(series, y=series.smoothed(0.99)),), y_range=(0, 1)), 40, 8),
    )
    bright = both.styles == style_code(Role.LINE)
    assert (both.characters[bright] == alone.characters[bright]).all()
    assert np.array_equal(bright, alone.styles == style_code(Role.LINE))
    assert Role.RAW in roles(both)
    assert Role.RAW not in roles(alone)


def test_infinities_do_not_stretch_the_axis():
    plot = Plot((Series("a", [0, 1, 2, 3], [0, np.inf, -np.inf, 1]),))
    assert render(plot, 30, 7).rows()[0].startswith("  1.0┤")


def test_the_crosshair_stands_behind_the_line():
    grid = render(diagonal(Charset.UNICODE, crosshair=5.0), 24, 7)
    column = [row[15] for row in grid.rows()[:5]]
    assert column.count("│") == 4
    assert Role.CROSSHAIR in roles(grid)
    assert Role.CROSSHAIR not in roles(render(diagonal(Charset.UNICODE, crosshair=50.0), 24, 7))


def test_letters_of_lines_that_end_together_do_not_hide_each_other():
    grid = render(Plot(tuple(Series("s", [0, 1], [0, 0], slot=slot) for slot in range(4))), 30, 8)
    assert {"A", "B", "C", "D"} <= {row[-1] for row in grid.rows()}


def test_points_are_marks_of_their_own():
    support = Series("support", [0, 5, 10], [0, 1, 0], stroke=Stroke.POINTS)
    assert (
        "".join(render(Plot((support,), y_range=(0, 1)), 11, 4).rows()).count("o") == 2
    )  # the letter hides one
    assert Role.RAW not in roles(render(Plot((support,), smoothing=0.9), 11, 4))


def test_a_growing_run_repaints_only_its_head():
    x = np.arange(3000.0)
    y = np.random.default_rng(0).normal(0.5, 0.1, 3000)

    def after(n):
        return render(
            Plot((Series("a", x[:n], y[:n]),), x_range=(0, 3000), y_range=(0, 1), smoothing=0.9), 78, 24
        )

    spans = changed_regions(after(2000), after(2010))
    assert sum(span.stop - span.start for span in spans) <= 3 * 24


def test_the_gutter_stays_when_labels_grow():
    narrow, wide = (render(Plot(y_range=(0, top), y_unit=Unit.PERCENT), 40, 10).rows() for top in (0.05, 1.0))
    assert [row.index("└") for row in (narrow[8], wide[8])] == [5, 5]


def test_a_confidence_limit_beyond_100_percent_does_not_stretch_the_axis():
    plot = Plot((Series("a", [0, 1], [0.5, 0.97], [0.4, 0.9], [0.6, 1.04]),), y_unit=Unit.PERCENT)
    assert render(plot, 40, 10).rows()[0].startswith(" 100%")


numbers = st.one_of(
    st.floats(-10, 10), st.floats(), st.sampled_from([0.0, np.nan, np.inf, -np.inf, 1e300, 5e-324])
)
ranges = st.none() | st.tuples(st.floats(-1e300, 1e300), st.floats(-1e300, 1e300))


@st.composite
def any_series(draw):
    n = draw(st.integers(0, 12))
    columns = [draw(st.lists(numbers, min_size=n, max_size=n)) for _ in range(4)]
    if draw(st.booleans()):
        columns[0] = [draw(numbers)] * n
    x, y, low, high = columns
    band = (low, high) if draw(st.booleans()) else (None, None)
    label = draw(st.text(max_size=8))
    return Series(label, x, y, *band, slot=draw(st.integers(0, 30)), stroke=draw(st.sampled_from(Stroke)))


any_plot = st.builds(
    Plot,
    series=st.lists(any_series(), max_size=4).map(tuple),
    x_range=ranges,
    y_range=ranges,
    x_log=st.booleans(),
    y_log=st.booleans(),
    smoothing=st.sampled_from([0.0, 0.6, 0.99]),
    band=st.booleans(),
    crosshair=st.none() | numbers,
    x_unit=st.sampled_from(Unit),
    y_unit=st.sampled_from(Unit),
    charset=st.sampled_from(Charset),
    title=st.text(max_size=8),
)


@pytest.mark.filterwarnings("error::RuntimeWarning")
@settings(max_examples=300, deadline=None)
@given(any_plot, st.integers(1, 90), st.integers(1, 30))
def test_whatever_comes_is_drawn_in_exactly_the_room_given(plot, width, height):
    grid = render(plot, width, height)
    for rows in (grid.rows(), grid.shaded().rows()):
        assert [len(row) for row in rows] == [width] * height
        assert "⠀" not in "".join(rows)
        if plot.charset is Charset.ASCII:
            assert set("".join(rows)) <= ASCII_CHARACTERS
    slots = {one.slot for one in plot.series}
    assert {slot_of(int(code)) for code in grid.styles.flat if role_of(int(code)) >= Role.RAW} <= slots
    assert set(grid.bands.flat) <= {0} | {slot + 1 for slot in slots}


@pytest.mark.filterwarnings("error::RuntimeWarning")
@settings(max_examples=150, deadline=None)
@given(any_plot)
def test_whatever_comes_is_a_figure_of_numbers(plot):
    text = to_svg(plot, 300, 200)
    lines = text[text.index("<clipPath") :]
    for element in lines.split("<path")[1:]:
        assert "nan" not in element.split('d="')[1].split('"')[0]
        assert "inf" not in element.split('d="')[1].split('"')[0]
