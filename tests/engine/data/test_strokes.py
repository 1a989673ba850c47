from __future__ import annotations

import numpy as np
import pytest

from engine.data import store, strokes
from engine.errors import ResourceError, UsageError


def test_shape_names_and_ink():
    made = strokes.make(classes=5, drawings=3)
    assert made.images.shape == (15, 1, 28, 28)
    assert made.images.dtype == np.uint8
    assert made.class_names == tuple(f"character000{c}" for c in range(5))
    assert made.counts.tolist() == [3] * 5
    ink = (made.images > 127).mean(axis=(1, 2, 3))
    assert ink.min() > 0.02
    assert ink.max() < 0.35


def test_a_class_does_not_depend_on_how_many_are_asked_for():
    few, many = strokes.make(classes=3, drawings=2), strokes.make(classes=20, drawings=4)
    of_many = many.images.reshape(20, 4, 28, 28)[:3, :2]
    np.testing.assert_array_equal(few.images.reshape(3, 2, 28, 28), of_many)


def test_seed_class_and_drawing_all_matter():
    a, b = (strokes.make(classes=4, drawings=4, seed=seed).images for seed in (0, 1))
    assert len({picture.tobytes() for picture in [*a, *b]}) == 32


def test_the_recipe_has_not_changed_unnoticed():
    made = strokes.make(classes=10, drawings=2)
    assert made.content_hash[:16] == "784685fc24aa0dae", "raise strokes._RECIPE, then this hash"


def test_size_scales_the_same_drawing():
    small, large = (strokes.make(classes=4, drawings=2, size=size).images for size in (28, 56))
    halved = large.reshape(8, 28, 2, 28, 2).mean(axis=(2, 4))
    assert np.abs(halved - small[:, 0]).mean() < 6


def test_one_shot_by_nearest_picture_is_neither_trivial_nor_hopeless():
    pictures = strokes.make(classes=60, drawings=4).images.reshape(60, 4, -1) / 255.0
    random, hits = np.random.default_rng(0), []
    for _ in range(300):
        ways = random.choice(60, 5, replace=False)
        support, query = pictures[ways, random.integers(0, 2)], pictures[ways, random.integers(2, 4)]
        nearest = ((query[:, None] - support) ** 2).sum(-1).argmin(1)
        hits.append((nearest == np.arange(5)).mean())
    assert 0.6 < np.mean(hits) < 0.85


@pytest.mark.parametrize("wrong", [{"classes": 0}, {"drawings": 0}, {"size": 7}, {"size": 257}, {"seed": -1}])
def test_arguments_out_of_bounds(wrong):
    with pytest.raises(UsageError, match="strokes need"):
        strokes.make(**wrong)


def test_the_second_time_it_is_read_not_made(monkeypatch):
    made = strokes.make(classes=3, drawings=2)
    monkeypatch.delattr(strokes, "_make")
    again = strokes.make(classes=3, drawings=2)
    assert isinstance(again.images, np.memmap)
    assert (again.name, again.content_hash) == ("strokes", made.content_hash)
    assert store.installed() == ()


def test_a_damaged_cache_is_made_anew(data_home):
    made = strokes.make(classes=3, drawings=2)
    (array,) = data_home.glob("cache/*/images.npy")
    array.write_bytes(array.read_bytes()[:-1] + b"\x01")
    assert strokes.make(classes=3, drawings=2).content_hash == made.content_hash
    assert store.verify(array.parent.name, data_home / "cache").content_hash == made.content_hash


def test_a_data_directory_that_cannot_be_written_only_skips_the_cache(monkeypatch):
    def refuse(*_args):
        raise ResourceError("read-only")

    monkeypatch.setattr(store, "save", refuse)
    assert strokes.make(classes=3, drawings=2).classes == 3
