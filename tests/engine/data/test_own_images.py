"""A person's own pictures become a data set with a split of its own, or a sentence says why not and nothing changes."""

from __future__ import annotations

import json

import numpy as np
import pytest

from engine.data import store
from engine.data.own_images import Choices, import_images
from engine.data.splits import OWN, ClassSplit, find_split, splits_of
from engine.errors import MamlError, ResourceError, UsageError

TEN = [f"class {n}" for n in range(10)]


def bring(path, name="mine", **choices):
    return import_images(name, path, Choices(**choices))


def refuse(path, words, name="mine", **choices):
    before = store.installed()
    with pytest.raises(MamlError, match=words) as caught:
        bring(path, name, **choices)
    assert "\n" not in str(caught.value) and "\x1b" not in str(caught.value)
    assert store.installed() == before


def test_a_tree_of_class_folders(put, classes_of, data_home):
    imported = bring(put("x", classes_of(*TEN, each=3)))
    found = store.verify("mine")
    assert found.images.shape == (30, 3, 20, 20) and found.class_names == tuple(TEN)
    assert found.counts.tolist() == [3] * 10
    assert [len(part) for part in found.split.parts().values()] == [6, 2, 2]
    assert imported.image_set.content_hash == found.content_hash and "imported from /" in found.source
    assert sorted(path.name for path in data_home.iterdir()) == ["mine"]
    assert sorted(path.name for path in (data_home / "mine").iterdir()) == [
        "images.npy",
        "index.json",
        "split.toml",
    ]


def test_folders_archives_and_csv_files_give_the_same_pictures_and_split(put, classes_of, zip_of, tar_of):
    files = classes_of(*TEN)
    rows = "".join(f'"{name}","{name.rpartition("/")[0]}"\n' for name in files)
    listed = files | {"labels.csv": b"path,label\n" + rows.encode()}
    packed = put("y", {"x.zip": zip_of(files), "x.tgz": tar_of(files), "list.zip": zip_of(listed)})
    found = [bring(put("x", files)), *map(bring, packed.iterdir()), bring(put("z", listed) / "labels.csv")]
    assert len({each.image_set.content_hash for each in found}) == 1
    assert len({each.image_set.split.hash for each in found}) == 1


@pytest.mark.parametrize(
    ("classes", "sizes", "told"),
    [
        (8, [4, 2, 2], None),
        (7, [3, 2, 2], None),
        (6, [2, 2, 2], None),
        (5, [3, 1, 1], "only one class for val and test, but a task takes 2 or more"),
        (3, [1, 1, 1], "only one class for train and val and test, but a task takes 2 or more"),
    ],
)
def test_each_part_has_classes_for_a_task_where_there_are_enough(put, classes_of, classes, sizes, told):
    imported = bring(put("x", classes_of(*TEN[:classes])))
    assert [len(part) for part in imported.image_set.split.parts().values()] == sizes
    assert [warning.partition(": ")[0] for warning in imported.warnings] == ([told] if told else [])


def test_another_seed_is_another_split_of_the_same_pictures(put, classes_of):
    folder = put("x", classes_of(*TEN))
    first, again, other = bring(folder), bring(folder), bring(folder, seed=1)
    assert first.image_set.split == again.image_set.split != other.image_set.split
    assert first.image_set.content_hash == other.image_set.content_hash


def test_size_and_channels_are_guessed_or_chosen(put, classes_of):
    folder = put("x", classes_of(*TEN, mode="L", side=105))
    assert bring(folder).image_set.images.shape == (20, 1, 84, 84)
    assert bring(folder, size=28, channels=3).image_set.images.shape == (20, 3, 28, 28)


def test_top_folders_are_the_split(put, classes_of):
    files = classes_of("train/a", "train/b", "val/c", "test/d")
    split = bring(put("x", files)).image_set.split
    assert split == ClassSplit(OWN, ("a", "b"), ("c",), ("d",))


def test_a_file_is_the_split_whatever_the_folders_say(put, classes_of):
    folder = put("x", classes_of("train/a", "train/b", "val/b", "test/c", "test/d"))
    file = put("s", {"split.toml": b'train = ["d"]\nval = ["b"]\ntest = ["a"]\n'}) / "split.toml"
    found = bring(folder, split=file).image_set
    assert found.split == ClassSplit(OWN, ("d",), ("b",), ("a",))
    assert found.counts.tolist() == [2, 4, 2, 2]
    assert find_split("1100-100-423", found) == found.split and splits_of(found) == (found.split,)


def test_classes_that_a_split_file_leaves_out_are_told(put, classes_of):
    names = ("a", "b", "c", "d", "e", "f\x1b", "g", "h", "i", "j")
    file = put("s", {"split.toml": b'train=["a", "b"]\nval=["c", "d"]\ntest=["e", "g"]\n'}) / "split.toml"
    (warning,) = bring(put("x", classes_of(*names)), split=file).warnings
    assert warning == (
        r"4 classes are in no part of the split and will not be used: 'f\x1b', 'h', 'i' and 1 more"
    )


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b'train=["a"]\nval=["b"]\ntest=["x"]', r"lacks 1 of its classes \(x\)"),
        (b'train=["a"]\nval=["a"]\ntest=["c"]', "'a' in train and again in val"),
        (b'train=["a"]', "must hold the lists train, val and test"),
        (b"\xff", "cannot read the split file"),
        (None, r"cannot read the split file .*split\.toml: No such file or directory$"),
    ],
)
def test_a_split_file_that_does_not_fit(put, classes_of, tmp_path, content, words):
    if content is not None:
        (tmp_path / "split.toml").write_bytes(content)
    refuse(put("x", classes_of("a", "b", "c")), words, split=tmp_path / "split.toml")


def test_one_class_in_two_parts_is_refused(put, classes_of):
    folder = put("x", classes_of("train/a\x1b", "val/b", "test/a\x1b"))
    refuse(folder, r"has the class 'a\\x1b' in (train and in test|test and in train), but .* --split file")


def test_the_same_picture_in_two_parts_is_told(put, classes_of, picture):
    files = classes_of("train/a", "val/b", "test/c") | {
        "val/b/twin.png": picture(0),
        "train/a/twin.png": picture(0),
    }
    warning, _ = bring(put("x", files)).warnings
    assert warning == (
        "pictures that are in two parts of the split 'own', which flatters results: 1, the first in 'a' (train) and in "
        "'b' (val)"
    )


def test_too_few_classes(put, classes_of):
    refuse(put("x", classes_of("a", "b")), "has 2 classes: train, val and test need one each")
    refuse(put("y", {"readme.txt": b""}), "has no pictures in class folders")


def test_names(put, classes_of):
    folder = put("x", classes_of(*TEN))
    for name in ("../x", "Birds", "a b", "cache", ""):
        refuse(folder, "cannot name a data set", name)
    refuse(folder.parent / "nowhere", "there is nothing at")


def test_class_names_of_any_kind_survive(put, classes_of):
    names = ["filin\nпугач", "great owl", "ふくろう", "a'b\"c\\"]
    split = bring(put("x", classes_of(*names))).image_set.split
    assert sorted(name for part in split.parts().values() for name in part) == sorted(names)
    assert set(store.load("mine").class_names) == set(names)


def test_pictures_of_all_sizes_and_kinds_together(put, classes_of, picture):
    files = classes_of("a", "b", "c")
    files |= {"a/grey.jpg": picture(7, "L", 33, "JPEG"), "b/palette.gif": picture(8, "P", 50, "GIF")}
    found = bring(put("x", files), size=16)
    assert found.image_set.images.shape == (8, 3, 16, 16)
    assert found.warnings[0] == "8 of 8 pictures were resized to 16x16"


@pytest.mark.parametrize("content", [b"", b"<html>", None])
def test_a_broken_picture_is_refused_or_left_out(put, classes_of, picture, content):
    broken = picture()[:300] if content is None else content
    folder = put("x", classes_of("a", "b", "c") | {"b/bad\x1b.png": broken})
    refuse(folder, r"1 of 7 pictures cannot be read \('b/bad\\x1b\.png' is not a whole picture")
    assert len(bring(folder, skip_broken=True).image_set.images) == 6


def test_a_bomb_is_refused(put, classes_of, png_head):
    for side, words in ((10_000, "has 10000x10000 pixels"), (60_000, "decompression bomb")):
        refuse(put("x", classes_of("a", "b", "c") | {"a/bomb.png": png_head(side)}), words)


def test_an_archive_or_a_link_that_leads_outside_is_refused(put, classes_of, zip_of):
    files = classes_of("a", "b", "c")
    refuse(put("y", {"x.zip": zip_of(files | {"../a/out.png": b""})}) / "x.zip", "leads outside")
    folder = put("x", files)
    (folder / "a" / "way.png").symlink_to("/etc/passwd")
    refuse(folder, "is a link")


def test_a_failed_import_leaves_the_old_set(put, classes_of):
    before = bring(put("x", classes_of(*TEN))).image_set
    refuse(put("y", dict.fromkeys(["a/1.png", "b/1.png", "c/1.png"], b"")), "cannot be read")
    assert store.verify("mine").content_hash == before.content_hash


def test_a_split_file_that_was_damaged_afterwards(put, classes_of, data_home):
    bring(put("x", classes_of(*TEN)))
    for content in ("train = []", 'train=["class 0"]\nval=["class 1"]\ntest=["gone"]'):
        (data_home / "mine" / "split.toml").write_text(content)
        with pytest.raises(ResourceError, match=r"'mine' in .* is damaged"):
            store.load("mine")


def test_the_index_alone_tells_the_old_format(put, classes_of, data_home):
    bring(put("x", classes_of(*TEN)))
    (data_home / "mine" / "split.toml").unlink()
    found = store.load("mine")
    assert found.split is None and splits_of(found)[0].name == "proportional"
    assert json.loads((data_home / "mine" / "index.json").read_text())["format"] == 1
    assert isinstance(found.images, np.memmap)
    with pytest.raises(UsageError):
        store.load("../mine")
