"""There is one inner loop: every way of computing, every evaluation and every algorithm runs `adapt`."""

from __future__ import annotations

import pytest
import torch
from parity import compiled, in_float32

from engine.acceleration.batched import Batched
from engine.acceleration.by_hand import by_hand
from engine.catalogue.algorithms import ALGORITHMS
from engine.evaluation.evaluator import predict_alone, protocol_for
from engine.tasks.sampling import Split
from engine.training.setup import Setup

CPU = torch.device("cpu")
WAYS = {
    "loop": lambda setup: setup.algorithm,
    "vmap": lambda setup: Batched(setup.algorithm, 0, recompute=False),
    "vmap, recomputed": lambda setup: Batched(setup.algorithm, 0, recompute=True),
    "by hand": lambda setup: by_hand(setup.algorithm, 0, recompute=False),
    "by hand, recomputed": lambda setup: by_hand(setup.algorithm, 0, recompute=True),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("algorithm", ["maml", "fomaml"])
@pytest.mark.parametrize("kind", ["sinusoid", "strokes"])
def test_every_way_to_the_meta_gradient(small, adaptations, kind, algorithm, way):
    setup = Setup.build(small(kind, f"algorithm={algorithm}", "inner_steps=2"), CPU)
    WAYS[way](setup).meta_gradient(setup.initial_state().theta, setup.episodes(0))
    assert adaptations and set(adaptations) <= {1, 2}, "recomputing adapts one step at a time"


@pytest.mark.parametrize(("kind", "code"), [("sinusoid", "mlp"), ("strokes", "conv4")])
def test_native_code(small, adaptations, kind, code):
    setup = Setup.build(small(kind, "inner_steps=2", *(["filters=16"] if kind == "strokes" else [])), CPU)
    way = by_hand(setup.algorithm, 0, recompute=False, library=compiled(code))
    way.meta_gradient(*in_float32(setup.initial_state().theta, setup.episodes(0)))
    assert set(adaptations) == {2}


# A prototypical network takes no gradient step; `scratch` is evaluated as `pretrained` is.
@pytest.mark.parametrize("algorithm", sorted(set(ALGORITHMS) - {"prototypical", "scratch"}))
@pytest.mark.parametrize("kind", ["sinusoid", "strokes"])
@pytest.mark.parametrize("mode", ["transductive", "inductive"])
def test_every_evaluation(small, adaptations, kind, algorithm, mode):
    if (kind == "strokes" and algorithm == "oracle") or (kind == "sinusoid" and mode == "inductive"):
        pytest.skip("there is no such evaluation")
    modes = [f"eval_mode={mode}"] if kind == "strokes" else []
    setup = Setup.build(small(kind, f"algorithm={algorithm}", *modes), CPU)
    theta = setup.initial_state().theta
    adaptations.clear()  # the check of the ways has adapted, too
    setup.measure_by(protocol_for(setup.config, Split.TEST, tasks=3, steps=2), theta)
    assert 2 in adaptations


def test_predicting_alone_adapts_nothing(small, adaptations):
    setup = Setup.build(small("strokes"), CPU)
    theta, episodes = setup.initial_state().theta, setup.episodes(0)
    predict_alone(setup.learner, theta, episodes.support_x[0], episodes.query_x[0])
    assert not adaptations
