from __future__ import annotations

import errno
import json
import multiprocessing
import os
from dataclasses import replace

import numpy as np
import pytest

from engine.data import store
from engine.errors import ResourceError, UsageError


def edit_index(folder, **changes):
    path = folder / "index.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_a_set_comes_back_as_it_was(small_set):
    store.save(small_set)
    found = store.verify("small")
    np.testing.assert_array_equal(found.images, small_set.images)
    np.testing.assert_array_equal(found.counts, [2, 3])
    np.testing.assert_array_equal(found.offsets, [0, 2])
    assert found.counts.dtype == found.offsets.dtype == np.int64
    assert (found.name, found.class_names, found.classes) == ("small", ("a", "b"), 2)
    assert (found.source, found.content_hash) == (small_set.source, small_set.content_hash)


def test_pictures_are_mapped_and_cannot_be_written(small_set):
    store.save(small_set)
    images = store.load("small").images
    assert isinstance(images, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        images[0] = 0
    with pytest.raises(ValueError, match="read-only"):
        small_set.images[0] = 0


def test_folders_are_private_and_nothing_else_is_left(small_set, data_home):
    folder = store.save(small_set)
    assert folder == data_home / "small"
    assert [p.name for p in data_home.iterdir()] == ["small"]
    assert sorted(p.name for p in folder.iterdir()) == ["images.npy", "index.json"]
    assert [p.stat().st_mode & 0o777 for p in (data_home, folder)] == [0o700, 0o700]


def test_the_hash_follows_pixels_names_counts_and_shape(small_set):
    images = np.array(small_set.images)
    hashes = {
        store.make_image_set("other", images.copy(), ("a", "b"), (2, 3), "elsewhere").content_hash,
        store.make_image_set("small", 1 + images, ("a", "b"), (2, 3), "").content_hash,
        store.make_image_set("small", images.copy(), ("a", "c"), (2, 3), "").content_hash,
        store.make_image_set("small", images.copy(), ("a", "b"), (3, 2), "").content_hash,
        store.make_image_set("small", images.reshape(5, 1, 2, 8), ("a", "b"), (2, 3), "").content_hash,
    }
    assert len(hashes) == 5
    assert small_set.content_hash in hashes  # neither the name nor the source enters


@pytest.mark.parametrize(
    ("images", "names", "counts"),
    [
        (np.zeros((5, 1, 4, 4)), ("a", "b"), (2, 3)),
        (np.zeros((5, 4, 4), np.uint8), ("a", "b"), (2, 3)),
        (np.zeros((5, 1, 4, 4), np.uint8), ("a", "a"), (2, 3)),
        (np.zeros((5, 1, 4, 4), np.uint8), ("a", "b"), (2, 2)),
        (np.zeros((5, 1, 4, 4), np.uint8), ("a", "b"), (5, 0)),
        (np.zeros((5, 1, 4, 4), np.uint8), ("a", "b"), (5,)),
    ],
)
def test_array_names_and_counts_must_fit(images, names, counts):
    with pytest.raises(ValueError, match=r"uint8|twice|counts"):
        store.make_image_set("small", images, names, counts, "")


def test_saving_again_replaces_and_leaves_open_maps_alone(small_set, data_home):
    store.save(small_set)
    before = store.load("small").images
    store.save(store.make_image_set("small", np.zeros((1, 1, 2, 2), np.uint8), ("z",), (1,), "newer"))
    assert store.verify("small").class_names == ("z",)
    assert before[4, 0, 3, 3] == 79
    assert [p.name for p in data_home.iterdir()] == ["small"]


@pytest.mark.parametrize("failing", ["fsync", "rename"])
def test_a_failed_write_leaves_the_old_set_and_no_trace(small_set, data_home, monkeypatch, failing):
    store.save(small_set)

    def no_space(*_args, **_kwargs):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(store.os if failing == "fsync" else store.Path, failing, no_space)
    with pytest.raises(ResourceError, match=r"No space left on device.*MAML_DATA_DIR"):
        store.save(replace(small_set, source="newer"))
    monkeypatch.undo()
    assert store.verify("small", data_home).source == "made by a test"
    assert [p.name for p in data_home.iterdir()] == ["small"]


def test_a_set_that_another_process_put_there_meanwhile_is_moved_aside(small_set, data_home, monkeypatch):
    rename, raced = store.Path.rename, []

    def race(path, target):
        if path.name == "new" and not raced:
            raced.append(True)
            target.mkdir()
            (target / "index.json").touch()
        return rename(path, target)

    monkeypatch.setattr(store.Path, "rename", race)
    store.save(small_set)
    assert raced
    assert store.verify("small").classes == 2
    assert [p.name for p in data_home.iterdir()] == ["small"]


def _save_often(home, value):
    os.environ["MAML_DATA_DIR"] = str(home)
    images = np.full((2, 1, 64, 64), value, np.uint8)
    for _ in range(20):
        store.save(store.make_image_set("busy", images.copy(), ("a",), (2,), str(value)))


def test_two_writers_at_once_leave_one_whole_set(data_home):
    spawn = multiprocessing.get_context("fork")
    writers = [spawn.Process(target=_save_often, args=(data_home, value)) for value in (1, 2)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [w.exitcode for w in writers] == [0, 0]
    found = store.verify("busy")
    assert (found.images == int(found.source)).all()
    assert [p.name for p in data_home.iterdir()] == ["busy"]


def test_a_data_directory_that_is_a_file(small_set, data_home):
    data_home.write_text("")
    with pytest.raises(ResourceError, match="cannot write the data set 'small'"):
        store.save(small_set)


def test_a_missing_set_says_how_to_get_it():
    with pytest.raises(ResourceError, match=r"maml data get omniglot.*maml data import omniglot PATH"):
        store.load("omniglot")
    with pytest.raises(ResourceError, match="maml data ls"):
        store.load("unheard-of")
    with pytest.raises(UsageError):
        store.load("../etc")


@pytest.mark.parametrize(
    "changes",
    [
        {"shape": [5, 1, 4, 5]},
        {"counts": [2, 2]},
        {"counts": "many"},
        {"counts": [2, 10**30]},
        {"class_names": ["a", "a"]},
        {"class_names": 3},
        {"format": 2},
    ],
)
def test_an_index_that_does_not_fit_is_damage(small_set, changes):
    edit_index(store.save(small_set), **changes)
    with pytest.raises(ResourceError, match="is damaged"):
        store.load("small")


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", "\x00"])
def test_an_index_that_is_no_index_is_damage(small_set, content):
    (store.save(small_set) / "index.json").write_text(content)
    with pytest.raises(ResourceError, match="is damaged"):
        store.load("small")


def test_a_missing_truncated_or_pickled_array_is_damage(small_set):
    array = store.save(small_set) / "images.npy"
    whole = array.read_bytes()
    for content in (whole[:-1], whole[:20], b""):
        array.write_bytes(content)
        with pytest.raises(ResourceError, match="is damaged"):
            store.load("small")
    np.save(array, np.array([{"code": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(ResourceError, match="is damaged"):
        store.load("small")
    array.unlink()
    with pytest.raises(ResourceError, match=r"images\.npy is missing"):
        store.load("small")


def test_a_flipped_bit_is_found_by_verify_only(small_set):
    array = store.save(small_set) / "images.npy"
    content = bytearray(array.read_bytes())
    content[-1] ^= 1
    array.write_bytes(content)
    assert store.load("small").classes == 2
    with pytest.raises(ResourceError, match="its pixels are not those"):
        store.verify("small")


def test_installed_lists_sets_only(small_set, data_home):
    assert store.installed() == ()
    store.save(small_set)
    store.save(small_set, data_home / "cache")
    (data_home / "empty").mkdir()
    (data_home / ".small-x").mkdir()
    (data_home / ".small-x" / "index.json").touch()
    assert store.installed() == ("small",)
