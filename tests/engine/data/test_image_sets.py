from __future__ import annotations

import numpy as np
import pytest

from engine.data import image_sets, omniglot, splits, store, strokes
from engine.data.own_images import Choices
from engine.errors import ResourceError, UsageError


@pytest.fixture
def quick_strokes(monkeypatch):
    make = strokes.make
    monkeypatch.setattr(strokes, "make", lambda: make(classes=5, drawings=2))


def test_strokes_need_nothing_installed(quick_strokes):
    assert image_sets.open_image_set("strokes").classes == 5
    assert image_sets.check_image_set("strokes").splits[0].name == "proportional"


def test_any_other_set_must_be_installed(small_set):
    store.save(small_set)
    assert image_sets.open_image_set("small").content_hash == small_set.content_hash
    with pytest.raises(ResourceError, match="maml data get omniglot"):
        image_sets.open_image_set("omniglot")
    with pytest.raises(UsageError):
        image_sets.open_image_set("../x")


def test_a_set_that_lacks_classes_of_its_split_fails_the_check(small_set):
    images = np.zeros((1, 1, 28, 28), np.uint8)
    store.save(store.make_image_set("omniglot", images, ("Greek/character01",), (1,), ""))
    with pytest.raises(ResourceError, match="lacks 1622 of its classes"):
        image_sets.check_image_set("omniglot")


def test_a_copy_that_deviates_passes_with_a_warning(monkeypatch):
    monkeypatch.setattr(
        image_sets, "splits_of", lambda found: (splits.proportional_split("x", found.class_names),)
    )
    images = np.zeros((3, 1, 28, 28), np.uint8)
    made = store.make_image_set("omniglot", images, ("a", "b", "c"), (1, 1, 1), "")
    store.save(made)
    assert "differs from the published" in image_sets.check_image_set("omniglot").warnings[0]
    monkeypatch.setattr(omniglot, "CONTENT_HASH", made.content_hash)
    assert image_sets.check_image_set("omniglot").warnings == ()


def test_a_published_set_leaves_no_choice(tmp_path):
    for choices in (Choices(size=28), Choices(channels=1), Choices(seed=1), Choices(split=tmp_path)):
        with pytest.raises(UsageError, match="miniimagenet is imported as it was published"):
            image_sets.import_copy("miniimagenet", tmp_path, choices)


@pytest.mark.parametrize("name", ["sinusoid", "strokes"])
def test_what_is_made_by_rule_cannot_be_imported(tmp_path, name):
    with pytest.raises(UsageError, match="made by rule"):
        image_sets.import_copy(name, tmp_path, Choices())


@pytest.mark.parametrize("name", ["mini-imagenet", "mini_imagenet", "MiniImagenet", "Omniglot"])
def test_a_name_nearly_that_of_a_published_set_is_refused(tmp_path, name):
    with pytest.raises(UsageError, match=r"is nearly '(miniimagenet|omniglot)': import it as that"):
        image_sets.import_copy(name, tmp_path, Choices())


def test_every_name_finds_its_importer(tmp_path, put, classes_of):
    with pytest.raises(UsageError, match="the folder or archive that holds Omniglot"):
        image_sets.import_copy("omniglot", tmp_path / "x", Choices(skip_broken=True))
    with pytest.raises(UsageError, match="the folder that holds MiniImagenet"):
        image_sets.import_copy("miniimagenet", tmp_path / "x", Choices(skip_broken=True))
    image_sets.import_copy("mine", put("x", classes_of("a", "b", "c")), Choices())
    checked = image_sets.check_image_set("mine")
    assert (checked.splits, checked.warnings) == ((checked.image_set.split,), ())


def test_the_check_finds_a_picture_in_two_parts(put, classes_of, picture):
    folder = put("x", classes_of("a", "b", "c") | {f"{name}/twin.png": picture(9) for name in "abc"})
    image_sets.import_copy("mine", folder, Choices())
    assert "pictures that are in two parts" in image_sets.check_image_set("mine").warnings[0]


def test_what_the_pictures_of_a_set_were_made_into(small_set):
    assert image_sets.form_of("strokes") == image_sets.form_of("omniglot") == (1, 28, True)
    assert image_sets.form_of("miniimagenet") == (3, 84, False)
    store.save(small_set)
    _, channels, size, _ = small_set.images.shape
    assert image_sets.form_of("small") == (channels, size, False)
    with pytest.raises(ResourceError, match="maml data import birds"):
        image_sets.form_of("birds")
