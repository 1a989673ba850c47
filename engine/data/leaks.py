"""Pictures that a split was meant to keep apart and that are there twice all the same."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

from engine.data.splits import class_indices
from engine.text import printable

if TYPE_CHECKING:
    from engine.data.splits import ClassSplit
    from engine.data.store import ImageSet


def leaks(image_set: ImageSet, split: ClassSplit) -> tuple[str, ...]:
    """Return a sentence where pictures of one part have the very pixels of a picture of another part.

    Args:
        image_set: The pictures; all of them are read.
        split: The parts.
    """
    part_of = {c: part for part, classes in class_indices(image_set, split).items() for c in classes.tolist()}
    classes = np.repeat(np.arange(image_set.classes), image_set.counts).tolist()
    first: dict[bytes, int] = {}
    twins = []
    for class_index, picture in zip(classes, image_set.images, strict=True):
        if class_index in part_of:
            earlier = first.setdefault(_digest(picture), class_index)
            if part_of[earlier] != part_of[class_index]:
                twins.append((earlier, class_index))
    if not twins:
        return ()
    one, other = (f"'{printable(image_set.class_names[c])}' ({part_of[c]})" for c in twins[0])
    sentence = (
        f"pictures that are in two parts of the split '{split.name}', which flatters results: {len(twins):,}, "
        f"the first in {one} and in {other}"
    )
    return (sentence,)


def _digest(picture: np.ndarray) -> bytes:
    return hashlib.blake2b(picture.tobytes(), digest_size=16).digest()
