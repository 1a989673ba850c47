"""The same pixels in two parts of a split are found; in one part, or outside of the split, they do not matter."""

from __future__ import annotations

import numpy as np

from engine.data.splits import ClassSplit, leaks
from engine.data.store import make_image_set

SPLIT = ClassSplit("parts", ("a", "b"), ("c",), ("d",))


def a_set(*shades):
    """Two pictures of each of five classes, one shade each."""
    images = np.zeros((10, 1, 2, 2), np.uint8) + np.array(shades, np.uint8)[:, None, None, None]
    return make_image_set("x", images, tuple("abcde"), [2] * 5, "")


def test_twins_in_two_parts_are_counted():
    (sentence,) = leaks(a_set(0, 1, 2, 3, 4, 1, 6, 0, 8, 9), SPLIT)
    assert sentence.startswith(
        "pictures that are in two parts of the split 'parts', which flatters results: 2, "
    )
    assert sentence.endswith("the first in 'a' (train) and in 'c' (val)")


def test_twins_in_one_part_or_outside_are_no_leak():
    assert leaks(a_set(0, 1, 0, 3, 4, 5, 6, 7, 4, 0), SPLIT) == ()
