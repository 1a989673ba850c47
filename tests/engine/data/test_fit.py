"""Whether tasks fit the data is said class by class."""

from __future__ import annotations

import numpy as np
import pytest

from engine.data.fit import check_fit, sizes_of
from engine.errors import UsageError

SIZES = {"train": {"owl": 9, "eel": 6}, "val": {"ray": 9, "cat": 5}, "test": {"dog": 7, "a\x1b": 4}}


def test_sizes_are_those_of_the_classes_pointed_at(small_set):
    found = sizes_of(small_set, {"train": np.array([1]), "val": np.array([0])})
    assert found == {"train": {"b": 3}, "val": {"a": 2}}


def test_what_fits_passes():
    check_fit("x", SIZES, ways=2, examples=4)


def test_every_class_that_is_too_small_is_named():
    with pytest.raises(UsageError) as caught:
        check_fit("birds", SIZES, ways=2, examples=7)
    assert str(caught.value) == (
        r"birds: shots + queries (or eval_queries) = 7 pictures of a class, but 'a\x1b' (test) has 4, "
        "'cat' (val) has 5, 'eel' (train) has 6: lower them to 4 or add pictures"
    )


def test_of_many_the_first_ten_are_named():
    many = {"train": {f"c{n}": 1 for n in range(1234)}}
    with pytest.raises(UsageError, match=r"'c9' \(train\) has 1 and 1,224 more: a task needs two, so"):
        check_fit("x", many, ways=2, examples=2)


def test_too_few_classes():
    with pytest.raises(
        UsageError, match="the test split has 2 classes, fewer than ways = 9: lower ways to 2 or"
    ):
        check_fit("x", {"train": {"owl": 9, "eel": 6, "ray": 9}, "test": SIZES["test"]}, ways=9, examples=1)
    alone = "the val split has 1 class, fewer than ways = 2: a task needs two, so add classes"
    with pytest.raises(UsageError, match=alone):
        check_fit("x", {"train": {"owl": 9, "eel": 6}, "val": {"ray": 9}}, ways=2, examples=1)
