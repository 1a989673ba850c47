"""MiniImagenet (Vinyals et al. 2016; Ravi & Larochelle 2017): 100 classes of ImageNet, 600 pictures of each, 84x84.

It may not be passed on, so everybody has a copy of their own, in one of these layouts: class folders named by their
WordNet ids, in train, val and test or not; one folder of pictures with Ravi and Larochelle's train.csv, val.csv and
test.csv; or pickled caches. All become the same kind of set, and the split is by class name, so it does not matter
which folder a class was in.
"""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from engine.data import store
from engine.data.caches import find_caches, read_cache
from engine.data.listing import Labelled, list_pictures
from engine.data.loading import Pictures, Progress, read_pictures, silent
from engine.data.pictures import Form, fitted
from engine.data.splits import leaks, load_split
from engine.data.store import ImageSet, Imported
from engine.errors import ResourceError, UsageError
from engine.text import printable

if TYPE_CHECKING:
    from collections.abc import Collection


NAME = "miniimagenet"
FORM = Form(channels=3, size=84)
"""What every picture becomes."""

_PICTURES = 600
_OTHERS = frozenset(("train_val", "train_test"))  # more pictures of the training classes, in one known layout


def import_copy(path: Path, progress: Progress = silent, *, skip_broken: bool = False) -> Imported:
    """Read a local copy of MiniImagenet and store it under the name `miniimagenet`.

    Args:
        path: A folder or an archive with class folders, or with pictures and three CSV files; or a folder of caches.
        skip_broken: Leave out pictures that cannot be read instead of refusing them all.

    Raises:
        UsageError: There is nothing at `path`.
        ResourceError: What is there lacks classes, is damaged, or cannot be stored; nothing is changed.
    """
    if not path.exists():
        raise UsageError(f"there is nothing at {printable(path)}: give the folder that holds MiniImagenet")
    caches = find_caches(path)
    found = _from_caches(caches, path, progress) if caches else _from_files(path, progress, skip=skip_broken)
    source = f"MiniImagenet (Vinyals et al. 2016), imported from {path.absolute()}"
    image_set = store.make_image_set(NAME, found.images, found.class_names, found.counts, source)
    store.save(image_set)
    return Imported(store.load(NAME), found.warnings + deviations(image_set))


def deviations(image_set: ImageSet) -> tuple[str, ...]:
    """Return sentences about what is not as in the published set: pictures per class, a picture in two parts."""
    odd = [
        f"{n} has {count}"
        for n, count in zip(image_set.class_names, image_set.counts, strict=True)
        if count != _PICTURES
    ]
    sentences = leaks(image_set, load_split(f"{NAME}-64-16-20"))
    if odd:
        some = ", ".join(odd[:3]) + (", ..." if len(odd) > 3 else "")
        sentences += (f"classes without the {_PICTURES} pictures that are published: {len(odd)} ({some})",)
    return sentences


def _from_files(path: Path, progress: Progress, *, skip: bool) -> Pictures:
    listing = list_pictures(path)
    known = _classes()
    pictures = []
    for file, class_name, _ in listing.pictures:
        wordnet_id = PurePosixPath(class_name).name
        if wordnet_id in known and _OTHERS.isdisjoint(PurePosixPath(file).parts):
            pictures.append(Labelled(file, wordnet_id))
    _complete({picture.class_name for picture in pictures}, path)
    others = {picture.file for picture in listing.pictures} - {picture.file for picture in pictures}
    listing = listing._replace(
        pictures=tuple(sorted(pictures, key=lambda p: (p.class_name, p.file))),
        passed_over=(*listing.passed_over, *sorted(others)),
    )
    return read_pictures(listing, FORM, progress, skip_broken=skip)


def _from_caches(caches: Collection[Path], path: Path, progress: Progress) -> Pictures:
    known, blocks = _classes(), {}
    for cache in map(read_cache, caches):
        for class_name in sorted(known & cache.classes.keys()):
            if class_name in blocks:
                raise ResourceError(f"{printable(path)} has the class {class_name} in two caches: keep one")
            found = cache.images[cache.classes[class_name]]
            blocks[class_name] = np.stack([fitted(Image.fromarray(picture), FORM) for picture in found])
            progress("read", len(blocks), len(known))
    _complete(blocks.keys(), path)
    counts = {class_name: len(blocks[class_name]) for class_name in sorted(blocks)}
    images = np.empty((sum(counts.values()), FORM.channels, FORM.size, FORM.size), dtype=np.uint8)
    end = 0
    for class_name, count in counts.items():
        images[end : end + count] = blocks.pop(class_name)  # so that no picture is held twice for long
        end += count
    return Pictures(images, tuple(counts), tuple(counts.values()), ())


def _classes() -> set[str]:
    return {class_name for names in load_split(f"{NAME}-64-16-20").parts().values() for class_name in names}


def _complete(found: Collection[str], path: Path) -> None:
    if missing := sorted(_classes() - set(found)):
        raise ResourceError(
            f"{printable(path)} lacks {len(missing)} of MiniImagenet's 100 classes ({', '.join(missing[:3])}"
            f"{', ...' if len(missing) > 3 else ''}): it needs the class folders of train, val and test, the pictures "
            "with Ravi and Larochelle's three CSV files, or the three caches"
        )
