"""What a helper process adapts, it adapts by the inner loop of training."""

from __future__ import annotations

import pytest

from engine.services import apply, explore
from engine.services.apply_messages import AdaptRequest
from engine.services.explore_messages import ExploreRequest


@pytest.mark.parametrize("kind", ["sinusoid", "strokes"])
def test_exploring_a_task(trained, adaptations, kind):
    request = ExploreRequest(
        run=str(trained(kind).run.path),
        checkpoint="latest",
        split="test",
        task=0,
        steps=3,
        shots=1,
        queries=1,
    )
    adaptations.clear()
    explore.answer(request)
    assert adaptations == [3]


def test_adapting_to_points(trained, adaptations, tmp_path):
    (tmp_path / "points.csv").write_text("x,y\n-2,1.5\n0.5,-0.25\n3,2\n")
    request = AdaptRequest(origin=trained("sinusoid").origin, support=str(tmp_path / "points.csv"), steps=4)
    adaptations.clear()
    apply.answer(request)
    assert adaptations == [4]
