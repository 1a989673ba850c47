"""Class splits: which classes train, validate and test, and pictures that are in two parts all the same."""

from __future__ import annotations

import hashlib
import json
import tomllib
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from engine.errors import UsageError
from engine.paths import assets_dir
from engine.text import printable

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

    from engine.data.store import ImageSet


PROPORTIONAL, OWN = "proportional", "own"
_FRACTIONS = (0.68, 0.06, 0.26)  # Omniglot's 1100 / 100 / 423, for sets that have no committed split
_PARTS = ("train", "val", "test")


@dataclass(frozen=True)
class ClassSplit:
    """Three disjoint lists of class names.

    Attributes:
        train: Classes that tasks of meta-training are made of.
        val: Classes for choosing among iterations and settings.
        test: Classes read by an explicit evaluation only.

    Raises:
        UsageError: A part is empty, or a class occurs twice.
    """

    name: str
    train: tuple[str, ...]
    val: tuple[str, ...]
    test: tuple[str, ...]

    def __post_init__(self) -> None:
        """Refuse a split that leaks."""
        seen: dict[str, str] = {}
        for part, classes in self.parts().items():
            if not classes:
                raise UsageError(
                    f"the split '{printable(self.name)}' has no {part} classes: name at least one"
                )
            for class_name in classes:
                if class_name in seen:
                    raise UsageError(
                        f"the split '{printable(self.name)}' has the class '{printable(class_name)}' in "
                        f"{seen[class_name]} and again in {part}: every class belongs to one part, once"
                    )
                seen[class_name] = part

    def parts(self) -> dict[str, tuple[str, ...]]:
        """Return `{"train": ..., "val": ..., "test": ...}`."""
        return {"train": self.train, "val": self.val, "test": self.test}

    @cached_property
    def hash(self) -> str:
        """SHA-256 (hex) of the three lists, in order, as sorted-key JSON; the name does not enter."""
        return hashlib.sha256(json.dumps(self.parts(), sort_keys=True).encode()).hexdigest()


def splits_of(image_set: ImageSet) -> tuple[ClassSplit, ...]:
    """Return the splits that `image_set` may be used with: its own, or those committed for it, or the stated rule's.

    Raises:
        UsageError: A committed split cannot be read, or the set has too few classes for the rule.
    """
    if image_set.split is not None:
        return (image_set.split,)
    committed = [read_split(path, path.stem) for path in _committed(f"{image_set.name}-*")]
    return tuple(committed) or (proportional_split(image_set.name, image_set.class_names),)


def find_split(choice: str, image_set: ImageSet) -> ClassSplit:
    """Return the split `<name of the set>-<choice>` of a set with committed ones, the only split of any other.

    Raises:
        UsageError: There is no such split; see also `splits_of`.
    """
    splits = {split.name: split for split in splits_of(image_set)}
    name = f"{image_set.name}-{choice}" if len(splits) > 1 else next(iter(splits))
    if name not in splits:
        raise UsageError(f"there is no split '{printable(name)}': choose one of {', '.join(splits)}")
    return splits[name]


def load_split(name: str) -> ClassSplit:
    """Read the split `name` from those committed with the program.

    Raises:
        UsageError: There is no split of that name, or its file is not three disjoint lists of names.
    """
    committed = {path.stem: path for path in _committed("*")}
    if name not in committed:
        raise UsageError(f"there is no split '{printable(name)}': choose one of {', '.join(committed)}")
    return read_split(committed[name], name)


def read_split(path: Path, name: str) -> ClassSplit:
    """Read a TOML file with the lists train, val and test as the split `name`.

    Raises:
        UsageError: It cannot be read, or is not three disjoint lists of names.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError, RecursionError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or printable(error)
        raise UsageError(f"cannot read the split file {printable(path)}: {reason}") from error
    if set(content) != set(_PARTS) or not all(_is_list_of_names(part) for part in content.values()):
        raise UsageError(
            f"the split file {printable(path)} must hold the lists train, val and test, and no more"
        )
    return ClassSplit(name, **{part: tuple(names) for part, names in content.items()})


def hashed_split(name: str, class_names: Sequence[str], sizes: tuple[int, int], salt: str) -> ClassSplit:
    """Order `class_names` by SHA-256 of `<salt>|<class name>` and cut: `sizes` of train and val, the rest for test.

    Raises:
        UsageError: A part would be empty.
    """
    order = sorted(class_names, key=lambda n: hashlib.sha256(f"{salt}|{n}".encode()).digest())
    train, val = sizes
    return ClassSplit(
        name, tuple(order[:train]), tuple(order[train : train + val]), tuple(order[train + val :])
    )


def proportional_split(
    data_name: str,
    class_names: Sequence[str],
    fractions: tuple[float, float, float] = _FRACTIONS,
    seed: int = 0,
    least: int = 1,
) -> ClassSplit:
    """Cut the hashed order of the classes into parts of about `fractions`, none of them empty.

    Args:
        data_name: Enters the salt, so that two sets with equal class names are shuffled differently.
        fractions: The shares of train, val and test.
        seed: Another seed is another shuffle.
        least: How many classes each part is to have, where there are enough for all three.

    Raises:
        UsageError: There are fewer than three classes.
    """
    classes = len(class_names)
    if classes < len(_PARTS):
        raise UsageError(
            f"the data set '{printable(data_name)}' has {classes} classes: train, val and test need one each"
        )
    _, val_share, test_share = (fraction / sum(fractions) for fraction in fractions)
    least = min(least, classes // len(_PARTS))
    val = min(max(least, round(classes * val_share)), classes - 2 * least)
    test = min(max(least, round(classes * test_share)), classes - val - least)
    return hashed_split(
        PROPORTIONAL, class_names, (classes - val - test, val), f"maml-tui {data_name} split {seed + 1}"
    )


def check_classes(data_name: str, class_names: Collection[str], split: ClassSplit) -> None:
    """Hold a split against the classes that there are; some of them may be in no part.

    Raises:
        UsageError: The split names classes that are not in `class_names`.
    """
    missing = [n for names in split.parts().values() for n in names if n not in class_names]
    if missing:
        shown = ", ".join(printable(n) for n in missing[:3]) + (", ..." if len(missing) > 3 else "")
        raise UsageError(
            f"the split '{split.name}' does not fit the data set '{data_name}', which lacks {len(missing)} of "
            f"its classes ({shown}): import all of it"
        )


def class_indices(image_set: ImageSet, split: ClassSplit) -> dict[str, np.ndarray]:
    """Return, for each of `train`, `val` and `test`, the `[classes of the part]` int64 class indices in `image_set`.

    Raises:
        UsageError: The set lacks classes that the split names.
    """
    position = {class_name: index for index, class_name in enumerate(image_set.class_names)}
    check_classes(image_set.name, position, split)
    return {
        part: np.array([position[n] for n in names], dtype=np.int64) for part, names in split.parts().items()
    }


def _committed(pattern: str) -> list[Path]:
    return sorted((assets_dir() / "splits").glob(f"{pattern}.toml"))


def _is_list_of_names(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(name, str) for name in value)


def leaks(image_set: ImageSet, split: ClassSplit) -> tuple[str, ...]:
    """Return a sentence where pictures of one part have the very pixels of a picture of another part."""
    part_of = {c: part for part, classes in class_indices(image_set, split).items() for c in classes.tolist()}
    classes = np.repeat(np.arange(image_set.classes), image_set.counts).tolist()
    first: dict[bytes, int] = {}
    twins = []
    for class_index, picture in zip(classes, image_set.images, strict=True):
        if class_index in part_of:
            digest = hashlib.blake2b(picture.tobytes(), digest_size=16).digest()
            earlier = first.setdefault(digest, class_index)
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
