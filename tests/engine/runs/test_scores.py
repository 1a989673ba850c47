from __future__ import annotations

import math

import numpy as np
import pytest

from engine.errors import ResourceError
from engine.runs.result import Scores, read_scores, write_scores


def test_scores_come_back_bit_for_bit(tmp_path):
    best = np.random.default_rng(0).random(1000, dtype=np.float32)
    path = tmp_path / "scores.json"
    write_scores(path, Scores.of(5, {"best": best, "last": best[::-1]}))
    scores = read_scores(path)
    assert scores.step == 5
    assert np.array_equal(np.float32(scores.tasks["best"]), best)
    assert np.array_equal(np.float32(scores.tasks["last"]), best[::-1])
    assert path.stat().st_size < 12 * 2 * 1000


def test_what_is_not_finite_is_null_in_the_file_and_not_a_number_when_read(tmp_path):
    path = tmp_path / "scores.json"
    write_scores(path, Scores.of(1, {"last": np.float32([0.1, math.inf, math.nan])}))
    assert path.read_text() == '{"v":1,"step":1,"tasks":{"last":[0.1,null,null]}}\n'
    first, *others = read_scores(path).tasks["last"]
    assert first == 0.1 and all(map(math.isnan, others))


def test_runs_of_old_versions_have_none(tmp_path):
    assert read_scores(tmp_path / "scores.json") is None


@pytest.mark.parametrize(
    "content", ["", "{", '{"v": 2, "step": 1, "tasks": {}}', '{"step": 1, "tasks": [1]}']
)
def test_a_damaged_file_is_said_to_be_damaged(tmp_path, content):
    path = tmp_path / "scores.json"
    path.write_text(content)
    with pytest.raises(ResourceError, match="damaged or from a newer version"):
        read_scores(path)
