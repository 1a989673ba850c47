"""Pickled caches are read whatever Python wrote them, and nothing in them is ever run."""

from __future__ import annotations

import os
import pickle
import random
import tracemalloc
from contextlib import suppress

import numpy as np
import pytest

from engine.data.caches import find_caches, read_cache
from engine.errors import MamlError, ResourceError

IMAGES = np.arange(6 * 5 * 5 * 3, dtype=np.uint8).reshape(6, 5, 5, 3)
CLASSES = {"owl": [0, 2, 4], "eel": [1, 3, 5]}
PLAIN = {"image_data": IMAGES, "class_dict": CLASSES}


def write(folder, content, protocol=4, name="x.pkl"):
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else pickle.dumps(content, protocol))
    return path


def same(found):
    np.testing.assert_array_equal(found.images, IMAGES)
    assert {name: positions.tolist() for name, positions in found.classes.items()} == CLASSES


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_every_protocol_is_read(tmp_path, protocol):
    same(read_cache(write(tmp_path, PLAIN, protocol)))
    labelled = {
        "data": np.asfortranarray(IMAGES),
        "labels": [64, 65] * 3,
        "catname2label": {"owl": 64, "eel": 65},
        "label2catname": {64: ["owl"], 65: ["eel"]},
    }
    same(read_cache(write(tmp_path, labelled, protocol)))
    same(read_cache(write(tmp_path, labelled | {"labels": np.array([64, 65] * 3, ">i4")}, protocol)))
    numbers = {"catname2label": {"owl": np.int64(64), "eel": np.int64(65)}}
    same(read_cache(write(tmp_path, labelled | numbers, protocol)))
    arrays = {name: np.array(positions) for name, positions in CLASSES.items()}
    same(read_cache(write(tmp_path, PLAIN | {"class_dict": arrays}, protocol)))


def test_a_cache_of_python_2_is_read(tmp_path):
    """As its cPickle wrote arrays: the pixels as a byte string, numpy under its old name."""
    pixels = IMAGES.tobytes()
    array = (
        b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntU\x01btR"
        b"(I1\n(I6\nI5\nI5\nI3\ntcnumpy\ndtype\n(U\x02u1I0\nI1\ntR(I3\nU\x01|NNNI-1\nI-1\nI0\ntbI00\n"
        b"T" + len(pixels).to_bytes(4, "little") + pixels + b"tb"
    )
    classes = b"(dU\x03owl(lI0\naI2\naI4\nasU\x03eel(lI1\naI3\naI5\nas"
    same(
        read_cache(
            write(tmp_path, b"\x80\x02(dU\x0aimage_data" + array + b"sU\x0aclass_dict" + classes + b"s.")
        )
    )


class Evil:
    def __init__(self, *call):
        self.call = call

    def __reduce__(self):
        return self.call


def test_a_pickle_that_would_run_something_is_refused(tmp_path):
    mark = tmp_path / "mark"
    calls = [
        (os.system, (f"touch {mark}",)),
        (eval, (f"open({str(mark)!r}, 'w')",)),
        (os.mkdir, (str(mark),)),
    ]
    for call in calls:
        for content in (Evil(*call), PLAIN | {"class_dict": Evil(*call)}, PLAIN | {"x": [Evil(*call)]}):
            for protocol in (0, 2, 4, 5):
                with pytest.raises(
                    ResourceError, match=r"asks for \S+\.(system|eval|mkdir), .* nothing of it was run"
                ):
                    read_cache(write(tmp_path, content, protocol))
    assert not mark.exists()


@pytest.mark.parametrize(
    "program",
    [
        b"cnumpy\ndtype\n(dU\x08__init__I1\nsb.",  # set attributes of the stand-in itself
        b"c_codecs\nencode\n(N(dU\x07__new__I1\nstb.",
        b"cnumpy.core.multiarray\nscalar\n(cnumpy\ndtype\nU\x01xtR.",
        b"cnumpy\nndarray\n)\x81U\x03abcb.",
        b"c_codecs\nencode\n(U\x03abcU\x03zipI9\ntR.",
        b"cnumpy\ndtype\n(U\x02O8tR.",
        b"Pid\n.",
        b"\x82\x01.",
        b"(lp0\ng0\na.",
        b"\x80\x04\x8e" + (2**62).to_bytes(8, "little") + b".",
    ],
)
def test_odd_programs_end_in_one_sentence(tmp_path, program):
    with pytest.raises(ResourceError):
        read_cache(write(tmp_path, program))
    same(read_cache(write(tmp_path, PLAIN)))  # the stand-ins are as they were


@pytest.mark.parametrize(
    "content",
    [
        [1, 2],
        7,
        "image_data",
        {"image_data": IMAGES},
        PLAIN | {"image_data": IMAGES.astype(np.float32)},
        PLAIN | {"image_data": IMAGES[..., :2]},
        PLAIN | {"image_data": IMAGES.tolist()},
        PLAIN | {"image_data": np.array([object()])},
        PLAIN | {"class_dict": {"owl": [0, 1, 2]}},
        PLAIN | {"class_dict": {"owl": [0, 1, 2, 3, 4, 9]}},
        PLAIN | {"class_dict": {"owl": [0.0] * 6}},
        PLAIN | {"class_dict": {}},
        {"data": IMAGES, "labels": [64] * 6, "catname2label": {"owl": 65}},
        {"data": IMAGES, "labels": [64] * 6},
    ],
)
def test_other_pickles_are_refused(tmp_path, content):
    with pytest.raises(ResourceError, match=r"x\.pkl (is no cache|is damaged)|asks for") as caught:
        read_cache(write(tmp_path, content))
    assert str(caught.value).isprintable()


def test_damage_anywhere_ends_in_one_sentence(tmp_path):
    whole, chance = pickle.dumps(PLAIN, 2), random.Random(1)
    for cut in (0, 1, 30, len(whole) // 2, len(whole) - 1):
        with pytest.raises(ResourceError):
            read_cache(write(tmp_path, whole[:cut]))
    for _ in range(400):
        damaged = bytearray(whole)
        for _ in range(chance.randrange(1, 4)):
            damaged[chance.choice([chance.randrange(120), chance.randrange(len(damaged))])] = (
                chance.randrange(256)
            )
        with suppress(MamlError):  # anything else is a defect
            read_cache(write(tmp_path, bytes(damaged)))


@pytest.mark.parametrize(
    "names",
    [
        [f"mini-imagenet-cache-{part}.pkl" for part in ("train", "val", "test")],
        [f"miniImageNet_category_split_{part}.pickle" for part in ("train_phase_train", "val", "test")],
    ],
)
def test_caches_are_found_in_a_folder_or_beside_one_of_them(put, names):
    others = [
        "miniImageNet_category_split_train_phase_val.pickle",
        "miniImageNet_category_split_train_phase_test.pickle",
    ]
    folder = put("x", dict.fromkeys([*names, *others, "readme.txt"], b""))
    expected = tuple(folder / name for name in names)
    assert find_caches(folder) == find_caches(folder / names[1]) == expected
    assert find_caches(folder / "readme.txt") == ()
    (folder / names[2]).unlink()
    with pytest.raises(
        ResourceError, match="not have one cache each for train, val and test: its pickles are m"
    ):
        find_caches(folder)


def test_a_pickle_cannot_claim_memory_that_it_does_not_fill(tmp_path):
    """The unpickler in C makes room for the number that a note carries: here for eight gibibytes."""
    path = tmp_path / "train.pkl"
    path.write_bytes(b"\x80\x02}r" + (2**30).to_bytes(4, "little") + b".")
    tracemalloc.start()
    with pytest.raises(ResourceError, match="is no cache of pictures and classes"):
        read_cache(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**24
