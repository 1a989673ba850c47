"""Classification tasks: support and query apart, columns shuffled, whole classes turned, each split its own classes."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from engine.data.store import make_image_set
from engine.errors import UsageError
from engine.tasks.episode import EpisodeShape
from engine.tasks.images import ImageTasks, turned
from engine.tasks.sampling import Split, Stream

COUNTS = [8, 6, 7, 8, 6, 9, 8, 8, 8, 7, 6, 8]
CLASSES = {"train": np.arange(6), "val": np.arange(6, 9), "test": np.arange(9, 12)}
SHAPE = EpisodeShape(ways=3, shots=2, queries=3)


def tasks_whose_pixels_tell_class_and_example(*, rotations: bool = False) -> ImageTasks:
    """The top left pixel of a picture is its class, the one to its right its number in the class."""
    images = np.zeros((sum(COUNTS), 1, 4, 4), dtype=np.uint8)
    images[:, 0, 0, 0] = np.repeat(np.arange(len(COUNTS)), COUNTS) + 1
    images[:, 0, 0, 1] = np.concatenate([np.arange(count) for count in COUNTS]) + 1
    names = [f"class {n}" for n in range(len(COUNTS))]
    image_set = make_image_set("marks", images, names, COUNTS, "a test")
    return ImageTasks.build(
        image_set, CLASSES, rotations=rotations, fingerprint={}, device=torch.device("cpu")
    )


def marks(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    pixels = (x * 255).round().long()
    return pixels[:, :, 0, 0, 0] - 1, pixels[:, :, 0, 0, 1] - 1


def test_an_episode_is_as_the_protocol_says():
    tasks = tasks_whose_pixels_tell_class_and_example()
    episodes = tasks.sample(Stream(0, Split.TRAIN), torch.arange(200), SHAPE)
    assert episodes.support_x.shape == (200, 6, 1, 4, 4) and episodes.query_x.shape == (200, 9, 1, 4, 4)
    support_class, support_example = marks(episodes.support_x)
    query_class, query_example = marks(episodes.query_x)
    for task in range(200):
        column_of = {}
        for classes, columns in (
            (support_class, episodes.support_y),
            (query_class, episodes.query_y),
        ):
            for name, column in zip(classes[task].tolist(), columns[task].tolist(), strict=True):
                assert column_of.setdefault(name, column) == column
        assert sorted(column_of.values()) == [0, 1, 2]
        pictures = [*zip(support_class[task].tolist(), support_example[task].tolist(), strict=True)]
        pictures += zip(query_class[task].tolist(), query_example[task].tolist(), strict=True)
        assert len(set(pictures)) == 15, "a picture is used twice"
        assert all(example < COUNTS[name] for name, example in pictures)


@pytest.mark.parametrize("split", list(Split))
def test_a_split_uses_all_of_its_classes_and_no_others(split):
    tasks = tasks_whose_pixels_tell_class_and_example()
    episodes = tasks.sample(Stream(0, split), torch.arange(100), SHAPE)
    assert marks(episodes.support_x)[0].unique().tolist() == CLASSES[split.label].tolist()


def test_every_class_takes_every_column_and_every_picture_is_used():
    tasks = tasks_whose_pixels_tell_class_and_example()
    episodes = tasks.sample(Stream(0, Split.TRAIN), torch.arange(500), SHAPE)
    classes, examples = marks(episodes.support_x)
    assert len({*zip(classes.flatten().tolist(), episodes.support_y.flatten().tolist(), strict=True)}) == 18
    used = {*zip(classes.flatten().tolist(), examples.flatten().tolist(), strict=True)}
    assert len(used) == sum(COUNTS[:6])


def test_an_episode_depends_on_its_number_alone():
    tasks = tasks_whose_pixels_tell_class_and_example(rotations=True)
    together = tasks.sample(Stream(5, Split.TRAIN), torch.arange(10), SHAPE)
    alone = tasks.sample(Stream(5, Split.TRAIN), torch.tensor([7]), SHAPE)
    for many, one in zip(together.tensors(), alone.tensors(), strict=True):
        assert torch.equal(many[7:8], one)


def test_fewer_queries_leave_the_support_as_it_was():
    tasks = tasks_whose_pixels_tell_class_and_example(rotations=True)
    more = tasks.sample(Stream(0, Split.TEST), torch.arange(20), EpisodeShape(3, 2, 4))
    fewer = tasks.sample(Stream(0, Split.TEST), torch.arange(20), EpisodeShape(3, 2, 1))
    assert torch.equal(more.support_x, fewer.support_x)


def test_a_class_is_turned_as_a_whole_by_every_number_of_quarter_turns():
    tasks = tasks_whose_pixels_tell_class_and_example(rotations=True)
    episodes = tasks.sample(Stream(0, Split.TRAIN), torch.arange(100), SHAPE)
    corners = {(0, 0): 0, (3, 0): 1, (3, 3): 2, (0, 3): 3}
    seen = set()
    for task in range(100):
        turns_of: dict[int, int] = {}
        for x, y in ((episodes.support_x, episodes.support_y), (episodes.query_x, episodes.query_y)):
            for picture, column in zip(x[task, :, 0], y[task].tolist(), strict=True):
                # Both marks are on the corner's row or column; the corner is the class mark.
                marked = [corner for corner in corners if picture[corner] > 0]
                assert len(marked) == 1
                assert turns_of.setdefault(column, corners[marked[0]]) == corners[marked[0]]
        seen |= set(turns_of.values())
    assert seen == {0, 1, 2, 3}


def test_turning_is_counter_clockwise():
    picture = torch.arange(9).reshape(1, 3, 3)
    for turns in range(4):
        assert torch.equal(turned(picture, torch.tensor([[[turns]]])), torch.rot90(picture, turns, (-2, -1)))


def test_pictures_are_scaled_to_one():
    tasks = tasks_whose_pixels_tell_class_and_example()
    tasks.images.fill_(255)
    episodes = tasks.sample(Stream(0, Split.TRAIN), torch.arange(2), SHAPE)
    assert episodes.support_x.dtype == torch.float32 and (episodes.support_x == 1).all()


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        (EpisodeShape(4, 1, 1), "the val split has 3 classes, fewer than ways = 4"),
        (
            EpisodeShape(3, 4, 3),
            r"shots \+ queries \(or eval_queries\) = 7 .* but 'class 1' \(train\) has 6, 'class 4' \(train\) has",
        ),
    ],
)
def test_an_episode_too_large_for_the_data_is_refused(shape, words):
    with pytest.raises(UsageError, match=words):
        tasks_whose_pixels_tell_class_and_example().check(shape)


def test_pictures_that_are_not_square_cannot_be_turned():
    images = np.zeros((6, 1, 4, 5), dtype=np.uint8)
    image_set = make_image_set("wide", images, ["a", "b", "c"], [2, 2, 2], "a test")
    classes = {split: np.arange(3) for split in ("train", "val", "test")}
    tasks = ImageTasks.build(image_set, classes, rotations=True, fingerprint={}, device=torch.device("cpu"))
    with pytest.raises(UsageError, match="pictures of 4x5 cannot be turned: set rotations = false"):
        tasks.check(EpisodeShape(2, 1, 1))
