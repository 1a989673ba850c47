"""Pictures on a page: every query beside its class, its verdict in words, nothing lost between the pages."""

from __future__ import annotations

import math

import numpy as np
import pytest

from maml_tui.pages.adapt.cell_grid import Tone
from maml_tui.pages.adapt.classes import RIGHT, WRONG, class_letter, draw_classes
from maml_tui.plotting import Charset
from maml_tui.reports.text_table import cell_width


def lines(grid):
    return ["".join(row) for row in grid.characters]


def text(grid):
    return "\n".join(lines(grid))


def draw(answer, step=1, page=0, size=(60, 20), charset=Charset.UNICODE, plain=True):
    return draw_classes(answer, step, page, *size, charset=charset, plain=plain)


def test_each_class_begins_with_what_was_learned_from(pictures_answer):
    grid = draw(pictures_answer(2, shots=2, queries=1, guesses=[0, 0], side=28))
    words = [line.split("  ") for line in lines(grid) if "A" in line]
    captions = [word.strip() for line in words for word in line if word.strip()]
    assert captions == ["A name0", "A", "✓ A 90%", "B name1", "B", "✗ A 90%, is B"]


def test_right_and_wrong_are_marks_and_tones(pictures_answer):
    grid = draw(pictures_answer(3, 1, 1, guesses=[0, 2, 2]))
    marks = {RIGHT: Tone.RIGHT, WRONG: Tone.WRONG}
    found = [(row, column) for row, column in np.argwhere(np.isin(grid.characters, list(marks)))]
    assert [marks[grid.characters[place]] for place in found] == [grid.tones[place] for place in found]
    assert [str(grid.characters[place]) for place in found].count(WRONG) == 1


def test_a_verdict_is_said_briefly_where_there_is_little_room(pictures_answer):
    answer = pictures_answer(2, 1, 1, guesses=[1, 1], side=28)
    assert "✗ B 90%, is A" in text(draw(answer))
    assert "✗B≠A 90%" in text(draw(answer, size=(20, 10)))
    assert "✗B≠A " in text(draw(answer, size=(14, 4)))


def test_the_verdict_is_that_of_the_step(pictures_answer):
    before = pictures_answer(2, 1, 1, guesses=[1, 1])
    assert text(draw(before, step=1)) != text(draw(before, step=0))


@pytest.mark.parametrize("size", [(80, 34), (50, 19), (30, 9), (12, 5), (7, 3), (1, 1)])
@pytest.mark.parametrize(("ways", "shots", "queries"), [(5, 1, 1), (20, 1, 2), (5, 5, 7)])
def test_every_picture_is_on_some_page_whatever_the_size(pictures_answer, size, ways, shots, queries):
    answer = pictures_answer(ways, shots, queries)
    first = draw(answer, size=size)
    grids = [draw(answer, page=page, size=size) for page in range(first.pages)]
    assert all(grid.characters.shape == size[::-1] and grid.page == page for page, grid in enumerate(grids))
    marks = sum((grid.characters == "✓").sum() for grid in grids)
    assert marks == ways * queries or size[1] == 1
    assert draw(answer, page=999, size=size).page == first.pages - 1


def test_a_class_stays_together_where_it_can(pictures_answer):
    grid = draw(pictures_answer(4, 1, 2), size=(44, 12))
    starts = [line for line in lines(grid) if "✓" in line]
    assert all(line.count("✓") % 2 == 0 for line in starts)


def test_more_room_makes_larger_pictures_up_to_their_own_size(pictures_answer):
    small, large, huge = (
        draw(pictures_answer(2, 1, 1, side=28), size=size) for size in ((30, 9), (70, 34), (300, 99))
    )

    def drawn_rows(grid):
        return next(row for row, line in enumerate(lines(grid)) if "name0" in line)

    assert drawn_rows(small) < drawn_rows(large) <= drawn_rows(huge) == 14


def test_photographs_have_their_colours(pictures_answer):
    photographs = pictures_answer(2, 1, 1, channels=3)
    grid = draw(photographs, plain=False)
    assert grid.tones[0, 0] == Tone.PIXEL and grid.characters[0, 0] == "▀"
    assert grid.colours[0, 0].tolist() == [[100, 100, 100], [100, 100, 100]]
    assert not (draw(photographs, plain=True).tones == Tone.PIXEL).any()
    assert not (draw(photographs, plain=False, charset=Charset.ASCII).tones == Tone.PIXEL).any()


def test_photographs_without_colour_are_shaded(pictures_answer):
    assert "▒" in text(draw(pictures_answer(2, 1, 1, channels=3), plain=True))


def test_drawings_are_dots_with_colour_or_without(pictures_answer):
    drawings = pictures_answer(2, 1, 1)
    assert "⣿⣿" in text(draw(drawings, plain=False)) and text(draw(drawings)) == text(
        draw(drawings, plain=False)
    )
    assert "==" in text(draw(drawings, charset=Charset.ASCII))


def test_names_cannot_steer_the_terminal(pictures_answer):
    answer = pictures_answer(2, 1, 1, side=28).model_copy(update={"class_names": ("\x1b[2J", "b\n")})
    assert r"A \x1b[2J" in text(draw(answer, size=(70, 40))) and "\x1b" not in text(
        draw(answer, size=(70, 40))
    )


def test_what_is_no_number_is_said_to_be_unknown(pictures_answer):
    answer = pictures_answer(2, 1, 1)
    unknown = (((math.nan, math.nan),) * 2,) * 2
    assert "✓ A ?" in text(draw(answer.model_copy(update={"probabilities": unknown})))


def test_letters_of_classes():
    assert [class_letter(number) for number in (0, 19, 25, 26)] == ["A", "T", "Z", "27"]


def test_wide_class_names_leave_every_row_as_wide_as_the_page(pictures_answer):
    answer = pictures_answer(2, 1, 1, guesses=[0, 0], side=28)
    grid = draw(answer.model_copy(update={"class_names": ("ふくろう", "cafe\u0301")}))
    assert "A ふくろう" in text(grid)
    assert "B café" in text(grid)
    assert {cell_width(line) for line in lines(grid)} == {60}
