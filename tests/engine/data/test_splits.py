from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from engine.data import splits
from engine.data.splits import ClassSplit, class_indices, hashed_split, load_split, proportional_split
from engine.errors import UsageError

SHUFFLED, ALPHABETS = "omniglot-1100-100-423", "omniglot-alphabets"


def members(split):
    return {name for names in split.parts().values() for name in names}


@pytest.mark.parametrize(("name", "sizes"), [(SHUFFLED, (1100, 100, 423)), (ALPHABETS, (827, 137, 659))])
def test_the_committed_splits_have_the_stated_sizes(name, sizes):
    split = load_split(name)
    assert (len(split.train), len(split.val), len(split.test)) == sizes
    assert len(members(split)) == 1623


def test_the_shuffled_split_is_what_its_rule_gives():
    committed = load_split(SHUFFLED)
    derived = hashed_split(SHUFFLED, sorted(members(committed)), (1100, 100), "maml-tui omniglot split 1")
    assert derived == committed
    assert derived.hash == committed.hash


def test_the_alphabet_split_keeps_alphabets_whole():
    split = load_split(ALPHABETS)
    train, val, test = ({n.split("/")[0] for n in names} for names in split.parts().values())
    assert (len(train), len(val), len(test)) == (26, 4, 20)
    assert not train & val | train & test | val & test
    assert val == set(sorted(train | val)[-4:])
    assert members(split) == members(load_split(SHUFFLED))


def test_the_hash_follows_the_lists_not_the_name():
    split = ClassSplit("x", ("a", "b"), ("c",), ("d",))
    assert ClassSplit("y", ("a", "b"), ("c",), ("d",)).hash == split.hash
    assert ClassSplit("x", ("b", "a"), ("c",), ("d",)).hash != split.hash
    assert ClassSplit("x", ("a",), ("b", "c"), ("d",)).hash != split.hash


@pytest.mark.parametrize(
    ("parts", "complaint"),
    [
        ((("a", "b"), ("a",), ("c",)), "'a' in train and again in val"),
        ((("a",), ("b",), ("c", "c")), "'c' in test and again in test"),
        ((("a",), (), ("c",)), "no val classes"),
    ],
)
def test_a_split_that_leaks_or_is_empty_is_refused(parts, complaint):
    with pytest.raises(UsageError, match=complaint):
        ClassSplit("x", *parts)


def test_the_hashed_order_does_not_depend_on_the_order_given():
    names = [f"n{i}" for i in range(30)]
    split = hashed_split("x", names, (20, 5), "salt")
    assert hashed_split("x", names[::-1], (20, 5), "salt") == split
    assert hashed_split("x", names, (20, 5), "pepper") != split
    assert list(split.train) != sorted(split.train)


@pytest.mark.parametrize("classes", [3, 4, 5, 17, 400])
def test_proportional_parts_are_never_empty(classes):
    split = proportional_split("strokes", [f"n{i}" for i in range(classes)])
    sizes = [len(names) for names in split.parts().values()]
    assert sum(sizes) == classes
    if classes == 400:
        assert sizes == [272, 24, 104]


def test_extreme_fractions_leave_one_class_each():
    split = proportional_split("x", ["a", "b", "c"], (0.0, 1.0, 1.0))
    assert [len(names) for names in split.parts().values()] == [1, 1, 1]


def test_two_classes_cannot_be_split():
    with pytest.raises(UsageError, match="has 2 classes"):
        proportional_split("x", ["a", "b"])


def a_set(name, class_names=("a", "b", "c"), split=None):
    return SimpleNamespace(name=name, class_names=class_names, split=split)


def test_a_published_set_has_its_committed_splits():
    assert [split.name for split in splits.splits_of(a_set("omniglot"))] == [SHUFFLED, ALPHABETS]
    assert splits.find_split("alphabets", a_set("omniglot")) == load_split(ALPHABETS)
    assert splits.find_split("64-12-24", a_set("miniimagenet")) == load_split("miniimagenet-64-12-24")
    with pytest.raises(UsageError, match="no split 'omniglot-64-16-20': choose one of omniglot-1100"):
        splits.find_split("64-16-20", a_set("omniglot"))


def test_any_other_set_has_its_own_split_or_that_of_the_rule():
    own = ClassSplit("own", ("c",), ("b",), ("a",))
    assert splits.splits_of(a_set("mine", split=own)) == (own,)
    assert splits.find_split("whatever", a_set("mine", split=own)) == own
    assert splits.find_split("whatever", a_set("mine")) == proportional_split("mine", ("a", "b", "c"))


def test_another_seed_is_another_shuffle():
    names = [f"n{i}" for i in range(30)]
    assert proportional_split("x", names, seed=1) == proportional_split("x", names[::-1], seed=1)
    assert proportional_split("x", names, seed=1).train != proportional_split("x", names).train


def test_the_splits_of_miniimagenet_share_training_and_the_usual_test_classes():
    usual, report = load_split("miniimagenet-64-16-20"), load_split("miniimagenet-64-12-24")
    assert [len(part) for part in usual.parts().values()] == [64, 16, 20]
    assert [len(part) for part in report.parts().values()] == [64, 12, 24]
    assert report.train == usual.train
    assert set(report.test) == set(usual.test) | set(usual.val[-4:])


def test_an_unknown_split_names_those_there_are():
    with pytest.raises(UsageError, match=SHUFFLED):
        load_split("../secrets")


@pytest.mark.parametrize(
    "content",
    ["train = [", "train = ['a']", "train=['a']\nval=['b']\ntest=3", "train=['a']\nval=['b']\ntest=[1]"],
)
def test_a_bad_split_file_is_named(content, tmp_path, monkeypatch):
    folder = tmp_path / "splits"
    folder.mkdir()
    (folder / "bad.toml").write_text(content)
    monkeypatch.setattr(splits, "assets_dir", lambda: tmp_path)
    with pytest.raises(UsageError, match=r"bad\.toml"):
        load_split("bad")


def test_class_indices_point_at_the_names():
    image_set = SimpleNamespace(name="abcd", class_names=("a", "b", "c", "d"))
    found = class_indices(image_set, ClassSplit("x", ("d", "a"), ("c",), ("b",)))
    assert {part: indices.tolist() for part, indices in found.items()} == {
        "train": [3, 0],
        "val": [2],
        "test": [1],
    }
    assert all(indices.dtype == np.int64 for indices in found.values())


def test_class_indices_name_what_is_missing(small_set):
    split = ClassSplit("x", ("a", "q", "r"), ("b", "s"), ("\x1bt",))
    with pytest.raises(UsageError, match=r"'small', which lacks 4 of its classes \(q, r, s, \.\.\.\)"):
        class_indices(small_set, split)
