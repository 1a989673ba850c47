"""Adaptation to classes as pictures: those learned from, and each query with what it was taken for."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from engine.text import printable
from maml_tui.pages.adapt.cell_grid import CellGrid, Tone
from maml_tui.reports.text_table import cell_width, cut

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from engine.services.explore_messages import Pictures, PicturesAnswer
    from maml_tui.plotting import Charset
    from maml_tui.plotting.pictures import Image

RIGHT, WRONG = "✓✗"
"""The marks of what was told right and of what was told wrong."""

_GAP = 2
_MIN_HEIGHT = 4  # cells; no picture goes below it where there is room for a higher one

_LETTERS = 26


@dataclass(frozen=True, eq=False)
class _Tile:
    """A picture and what is written under it.

    Attributes:
        image: Grey [H, W] or RGB [H, W, 3].
        captions: The same said ever more briefly; the first one that fits is written.
    """

    image: Image
    captions: tuple[str, ...]
    tone: Tone

    def caption(self, width: int) -> str:
        return next(
            (one for one in self.captions if cell_width(one) <= width), cut(self.captions[-1], width, "")
        )


def draw_classes(
    answer: PicturesAnswer, step: int, page: int, width: int, height: int, *, charset: Charset, plain: bool
) -> CellGrid:
    """Lay the pictures out: class after class, first those learned from, then the queries with their verdicts.

    Args:
        step: After which inner step.
        page: Which page, from 0; beyond the last one the last is drawn.
        width: Columns, at least 1.
        height: Rows, at least 1.
        plain: Whether no colour may be used.
    """
    groups = _groups(answer, step)
    high = _picture_height(groups, width, height)
    lines, down = list(_wrapped(groups, _across(width, high))), _down(height, high)
    pages = math.ceil(len(lines) / down)
    page = min(page, pages - 1)
    grid = CellGrid.blank(width, height, page, pages)
    for row, line in enumerate(lines[page * down : (page + 1) * down]):
        for column, tile in enumerate(line):
            top, left = row * (high + 1), column * (2 * high + _GAP)
            grid.paste(top, left, tile.image, high, charset, plain=plain)
            grid.write(top + high, left, tile.caption(2 * high + _GAP - 1), tile.tone)
    return grid


def class_letter(number: int) -> str:
    """Return what a task's class is called on the page: A to Z, then 27 and so on."""
    return chr(ord("A") + number) if number < _LETTERS else str(number + 1)


def _groups(answer: PicturesAnswer, step: int) -> list[list[_Tile]]:
    """Return the tiles of each class."""
    groups: list[list[_Tile]] = [[] for _ in answer.class_names]
    for image, number in zip(_images(answer.support), answer.support.classes, strict=True):
        letter = class_letter(number)
        named = () if groups[number] else (f"{letter} {printable(answer.class_names[number])}",)
        groups[number].append(
            _Tile(image, (*(cut(name, 24, ellipsis="") for name in named), letter), Tone.NAME)
        )
    said = np.array(answer.probabilities[step])
    for image, number, chances in zip(_images(answer.queries), answer.queries.classes, said, strict=True):
        guess = int(chances.argmax())
        right = guess == number
        captions = _verdicts(number, guess, chances[guess])
        groups[number].append(_Tile(image, captions, Tone.RIGHT if right else Tone.WRONG))
    return groups


def _verdicts(truth: int, guess: int, chance: float) -> tuple[str, ...]:
    percent = f"{chance:.0%}" if math.isfinite(chance) else "?"
    said, true = class_letter(guess), class_letter(truth)
    if guess == truth:
        return f"{RIGHT} {said} {percent}", f"{RIGHT}{said} {percent}", f"{RIGHT}{said}"
    brief = f"{WRONG}{said}≠{true}"
    return f"{WRONG} {said} {percent}, is {true}", f"{brief} {percent}", brief


def _images(pictures: Pictures) -> list[Image]:
    """Return grey [H, W] or RGB [H, W, 3] images."""
    values = np.frombuffer(pictures.pixels, dtype=np.uint8).reshape(pictures.shape).transpose(0, 2, 3, 1)
    return [image[..., 0] if image.shape[2] != 3 else image for image in values]


def _picture_height(groups: Sequence[Sequence[_Tile]], width: int, height: int) -> int:
    """Return the height that makes the fewest pages, and among those the largest pictures.

    None is shown at more than two of its pixels in a cell.
    """

    def pages(high: int) -> int:
        return math.ceil(len(list(_wrapped(groups, _across(width, high)))) / _down(height, high))

    largest = max(1, min(int(groups[0][0].image.shape[0]) // 2, height - 1, width // 2))
    return min(range(largest, min(_MIN_HEIGHT, largest) - 1, -1), key=pages)


def _across(width: int, high: int) -> int:
    return max(1, (width + _GAP) // (2 * high + _GAP))


def _down(height: int, high: int) -> int:
    return max(1, height // (high + 1))


def _wrapped(groups: Sequence[Sequence[_Tile]], across: int) -> Iterator[list[_Tile]]:
    """Yield lines of at most `across` tiles; a class goes on a new line where that keeps it together."""
    line: list[_Tile] = []
    for group in groups:
        if line and len(line) + len(group) > across >= len(group):
            yield line
            line = []
        for tile in group:
            if len(line) == across:
                yield line
                line = []
            line.append(tile)
        if len(group) > across:
            yield line
            line = []
    if line:
        yield line
