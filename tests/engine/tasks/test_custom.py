"""Tasks of a person's own are episodes like any others, and what is none is told."""

from __future__ import annotations

import sys

import pytest
import torch

from engine.config.own_code import use_search_path
from engine.errors import UsageError
from engine.tasks.custom import CustomTasks
from engine.tasks.episode import EpisodeShape
from engine.tasks.sampling import Split, Stream
from engine.tasks.sources import build_source

CPU = torch.device("cpu")
CODE = """
import torch

class Lines:
    kind = "regression"
    input_shape = (2,)
    def task(self, generator, split, examples):
        x = torch.randn(examples, 2, generator=generator)
        return x, (x * torch.randn(2, generator=generator)).sum(1, keepdim=True)

class Blobs:
    kind = "classification"
    input_shape = (3,)
    def task(self, generator, split, examples, ways):
        place = torch.arange(ways)[:, None, None] + {"train": 0.0, "val": 0.2, "test": 0.4}[split]
        return place + torch.rand(ways, examples, 3, generator=generator) / 9

class Kindless(Lines):
    kind = "clustering"

class Shapeless:
    kind = "regression"

class Needy(Lines):
    def __init__(self, size): pass

class Wide(Lines):
    def task(self, generator, split, examples):
        return torch.zeros(examples, 2), torch.zeros(examples)

class Double(Lines):
    def task(self, generator, split, examples):
        return torch.zeros(examples, 2, dtype=torch.float64), torch.zeros(examples, 1)

class Nan(Lines):
    def task(self, generator, split, examples):
        return torch.full((examples, 2), torch.nan), torch.zeros(examples, 1)

class Broken(Lines):
    def task(self, generator, split, examples):
        raise KeyError(split)
"""


@pytest.fixture(autouse=True)
def own_tasks(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", [*sys.path])
    (tmp_path / "own_tasks.py").write_text(CODE)
    use_search_path([str(tmp_path)])
    yield
    sys.modules.pop("own_tasks", None)


def load(name):
    return CustomTasks.load(f"own_tasks:{name}", CPU)


def test_curves():
    source, stream = load("Lines"), Stream(3, Split.VAL)
    episodes = source.sample(stream, torch.arange(4), EpisodeShape(1, 5, 2))
    assert [list(part.shape) for part in episodes.tensors()] == [[4, 5, 2], [4, 5, 1], [4, 2, 2], [4, 2, 1]]
    slope = torch.linalg.lstsq(episodes.support_x, episodes.support_y).solution
    assert torch.allclose(episodes.query_x @ slope, episodes.query_y, atol=1e-4)
    assert source.data == "custom-regression" and source.input_shape == (2,)


def test_classes_get_their_labels():
    source = load("Blobs")
    episodes = source.sample(Stream(3, Split.TEST), torch.arange(2), EpisodeShape(4, 2, 3))
    assert list(episodes.support_x.shape) == [2, 8, 3] and list(episodes.query_x.shape) == [2, 12, 3]
    for x, y in ((episodes.support_x, episodes.support_y), (episodes.query_x, episodes.query_y)):
        assert torch.equal(x.mean(-1).sub(0.4).floor().long(), y) and y.dtype == torch.int64


def test_a_task_depends_on_seed_split_and_number_alone():
    source, shape = load("Lines"), EpisodeShape(1, 2, 2)

    def tasks(seed, split, *numbers):
        return source.sample(Stream(seed, split), torch.tensor(numbers), shape).support_x

    assert torch.equal(tasks(1, Split.TRAIN, 5, 9)[1], tasks(1, Split.TRAIN, 9)[0])
    for other in (tasks(2, Split.TRAIN, 9), tasks(1, Split.VAL, 9), tasks(1, Split.TRAIN, 8)):
        assert not torch.equal(other, tasks(1, Split.TRAIN, 9))


def test_changed_code_is_another_fingerprint(tmp_path):
    before = load("Lines").fingerprint
    assert before == load("Blobs").fingerprint
    (tmp_path / "own_tasks.py").write_text(CODE + "\n")
    assert load("Lines").fingerprint != before


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Kindless", "kind = 'clustering' must be regression or classification"),
        ("Shapeless", "own_tasks:Shapeless has no input_shape"),
        ("Needy", "own_tasks:Needy cannot be made: TypeError"),
        ("Wide", r"task\(\) gave \[4\] of torch.float32 where \[4, 1\] of torch.float32 is needed"),
        ("Double", r"gave \[4, 2\] of torch.float64"),
        ("Nan", "gave numbers that are not finite"),
        ("Broken", r"own_tasks:Broken.task\(\) failed: KeyError: 'train' \(own_tasks.py, line"),
    ],
)
def test_what_makes_no_tasks_is_told(name, expected):
    with pytest.raises(UsageError, match=expected):
        load(name).check(EpisodeShape(1, 3, 1))


def test_a_configuration_must_know_the_kind(small):
    config = small("sinusoid", "data=custom-regression", "task_class='own_tasks:Lines'")
    assert build_source(config, CPU).input_shape == (2,)
    config = small("sinusoid", "data=custom-regression", "task_class='own_tasks:Blobs'")
    with pytest.raises(UsageError, match="makes tasks of classification: set data = custom-classification"):
        build_source(config, CPU)
