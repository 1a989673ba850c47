"""Adapting side by side comes to the same as batching the tasks."""

from __future__ import annotations

import pytest
import torch

from engine.acceleration.by_hand import side_by_side
from engine.evaluation import evaluator
from engine.evaluation.evaluator import protocol_for
from engine.tasks.sampling import Split
from engine.training.setup import Setup

CPU = torch.device("cpu")


def outputs_by_reference(learner, theta, episodes, steps):
    for support_x, support_y, query_x, _ in zip(*episodes.tensors(), strict=True):
        adapted = learner.adapted_to(theta, (support_x, support_y), 0.05, steps, order=1)
        yield torch.stack([learner.predict(params, query_x) for params in adapted])


def test_the_outputs_after_every_step(problem):
    learner, theta, episodes = problem
    fast = side_by_side(learner, CPU)
    if learner.regression:
        assert fast is None
        return
    found = fast.judge(lambda outputs, y: (torch.stack(list(outputs)), y), [theta], episodes, 0.05, 3)
    expected = outputs_by_reference(learner, theta, episodes, 3)
    for task, ((outputs, y), wanted) in enumerate(zip(found, expected, strict=True)):
        torch.testing.assert_close(outputs, wanted, rtol=1e-9, atol=1e-10)
        assert torch.equal(y, episodes.query_y[task])


@pytest.mark.parametrize("members", [1, 3])
@pytest.mark.parametrize("mode", ["transductive", "inductive"])
def test_an_evaluation_is_the_same(small, monkeypatch, mode, members):
    setup = Setup.build(small("strokes", f"eval_mode={mode}"), CPU)
    theta = setup.initial_state().theta
    others = [{name: value * (1 + 0.2 * n) for name, value in theta.items()} for n in range(1, members)]
    protocol = protocol_for(setup.config, Split.VAL, tasks=5, steps=2)
    fast = setup.measure_by(protocol, theta, others=others)
    monkeypatch.setattr(evaluator, "side_by_side", lambda *args: None)
    batched = setup.measure_by(protocol, theta, others=others)
    torch.testing.assert_close(torch.tensor(fast.losses), torch.tensor(batched.losses), rtol=1e-4, atol=1e-5)
    assert fast.accuracies.shape == (5, 3)
