from __future__ import annotations

import numpy as np
import pytest

from engine.data import catalogue, omniglot, splits, store
from engine.errors import ResourceError, UsageError


@pytest.fixture
def quick_strokes(monkeypatch):
    make = catalogue.strokes.make_strokes
    monkeypatch.setattr(catalogue.strokes, "make_strokes", lambda: make(classes=5, drawings=2))


def test_strokes_need_nothing_installed(quick_strokes):
    assert catalogue.open_image_set("strokes").classes == 5
    assert catalogue.check_image_set("strokes").splits[0].name == "proportional"


def test_any_other_set_must_be_installed(small_set):
    store.save(small_set)
    assert catalogue.open_image_set("small").content_hash == small_set.content_hash
    with pytest.raises(ResourceError, match="maml data get omniglot"):
        catalogue.open_image_set("omniglot")
    with pytest.raises(UsageError):
        catalogue.open_image_set("../x")


def test_a_set_that_lacks_classes_of_its_split_fails_the_check(small_set):
    images = np.zeros((1, 1, 28, 28), np.uint8)
    store.save(store.make_image_set("omniglot", images, ("Greek/character01",), (1,), ""))
    with pytest.raises(ResourceError, match="lacks 1622 of its classes"):
        catalogue.check_image_set("omniglot")


def test_a_copy_that_deviates_passes_with_a_warning(monkeypatch):
    monkeypatch.setattr(
        catalogue, "splits_of", lambda found: (splits.proportional_split("x", found.class_names),)
    )
    images = np.zeros((3, 1, 28, 28), np.uint8)
    made = store.make_image_set("omniglot", images, ("a", "b", "c"), (1, 1, 1), "")
    store.save(made)
    assert "differs from the published" in catalogue.check_image_set("omniglot").warnings[0]
    monkeypatch.setattr(omniglot, "CONTENT_HASH", made.content_hash)
    assert catalogue.check_image_set("omniglot").warnings == ()
