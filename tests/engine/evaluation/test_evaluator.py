"""The evaluator: the same numbers as a loop written out, every task counted, no graph, honest about divergence."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from engine.evaluation import evaluator
from engine.evaluation.evaluator import diverged_tasks, evaluate, is_better, predict_alone, protocol_for
from engine.tasks.sampling import Split, Stream
from engine.tasks.sources import evaluation_shape
from engine.training.setup import Setup

CPU = torch.device("cpu")


def prepared(config):
    setup = Setup.build(config, CPU)
    return setup, setup.initial_state().theta


@pytest.mark.parametrize("kind", ["sinusoid", "strokes"])
def test_every_step_equals_a_loop_written_out(small, kind):
    config = small(kind)
    setup, theta = prepared(config)
    protocol = protocol_for(config, Split.TEST, tasks=5, steps=3)
    measurement = evaluate(setup.learner, theta, setup.source, protocol, 0.1).summarise()
    stream = Stream(config.evaluation.eval_seed, Split.TEST)
    episodes = setup.source.sample(stream, torch.arange(5), evaluation_shape(config))
    losses, accuracies = np.zeros((5, 4)), np.zeros((5, 4))
    for task in range(5):
        support_x, support_y, query_x, query_y = (part[task] for part in episodes.tensors())
        params = {name: value.clone().requires_grad_() for name, value in theta.items()}
        for step in range(4):
            outputs = setup.learner.predict(params, query_x)
            losses[task, step] = setup.learner.example_losses(outputs, query_y).mean().item()
            accuracies[task, step] = float(setup.learner.correct(outputs, query_y).mean())
            names = sorted(setup.learner.adapted)
            loss = setup.learner.loss(params, support_x, support_y)
            slopes = torch.autograd.grad(loss, [params[name] for name in names])
            for name, slope in zip(names, slopes, strict=True):
                params[name] = (params[name] - 0.1 * slope).detach().requires_grad_()
    for at, column in zip(measurement.loss, losses.T, strict=True):
        assert at.mean == pytest.approx(column.mean(), rel=1e-4)
        assert at.ci95 == pytest.approx(1.96 * column.std(ddof=1) / math.sqrt(5), rel=1e-3)
        assert at.median == pytest.approx(np.median(column), rel=1e-4)
    if kind == "strokes":
        assert [at.mean for at in measurement.accuracy] == pytest.approx(accuracies.mean(axis=0).tolist())


def test_a_gpu_adapts_to_hundreds_of_tasks_as_far_as_its_memory_goes(small, monkeypatch):
    source = SimpleNamespace(device=torch.device("cuda", 0), input_shape=(3, 84, 84))
    shape = evaluation_shape(small("strokes", "ways=5", "shots=1", "eval_queries=15"))
    together = []
    for gibibytes, source.input_shape in (
        (80, (1, 28, 28)),
        (8, (1, 28, 28)),
        (80, (3, 84, 84)),
        (1, (3, 500, 500)),
    ):
        memory = SimpleNamespace(total_memory=gibibytes * 2**30)
        monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device, memory=memory: memory)
        together.append(
            [evaluator._tasks_together(source, shape, inductive=inductive) for inductive in (False, True)]
        )
    assert together == [[512, 201], [133, 20], [49, 37], [1, 1]]


ERRORS = [
    torch.OutOfMemoryError("CUDA out of memory."),
    RuntimeError("GET was unable to find an engine to execute this computation"),
]


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("room", [1, 3])
def test_where_memory_runs_out_fewer_tasks_go_together(small, monkeypatch, room, error):
    config = small("sinusoid")
    setup, theta = prepared(config)
    protocol = protocol_for(config, Split.VAL, tasks=9, steps=1)
    whole = evaluate(setup.learner, theta, setup.source, protocol, 0.1)
    curves, done = evaluator._curves, []

    def crowded(learner, theta, episodes, *others):
        if len(episodes.support_x) > room:
            raise error
        return curves(learner, theta, episodes, *others)

    monkeypatch.setattr(evaluator, "_curves", crowded)
    parts = evaluate(setup.learner, theta, setup.source, protocol, 0.1, done.append)
    np.testing.assert_allclose(parts.losses, whole.losses, rtol=1e-5)
    assert done[-1] == 9 and max(np.diff([0, *done])) <= room


@pytest.mark.parametrize(
    ("error", "halves"), [(ERRORS[0], True), (ERRORS[1], True), (RuntimeError("shapes differ"), False)]
)
def test_one_task_that_does_not_fit_is_an_error_and_so_is_what_memory_has_no_part_in(
    small, monkeypatch, error, halves
):
    asked = []

    def full(learner, theta, episodes, *others):
        asked.append(len(episodes.support_x))
        raise error

    setup, theta = prepared(small("sinusoid"))
    monkeypatch.setattr(evaluator, "_curves", full)
    with pytest.raises(type(error), match=str(error)):
        setup.validate(theta)
    assert asked[0] > 1
    assert (asked[-1] == 1) if halves else (len(asked) == 1)


def members_of(setup, count):
    """Return the parameters of so many networks that differ."""
    theta = setup.initial_state().theta
    return [{name: value + 0.2 * n for name, value in theta.items()} for n in range(count)]


@pytest.mark.parametrize("mode", ["transductive", "inductive"])
def test_an_ensemble_is_judged_by_its_mean_probabilities(small, mode):
    config = small("strokes", f"eval_mode={mode}")
    setup = Setup.build(config, CPU)
    members = members_of(setup, 3)
    protocol = protocol_for(config, Split.TEST, tasks=4, steps=2)
    curves = evaluate(setup.learner, members[0], setup.source, protocol, 0.1, others=members[1:])
    stream = Stream(config.evaluation.eval_seed, Split.TEST)
    episodes = setup.source.sample(stream, torch.arange(4), evaluation_shape(config))
    for task in range(4):
        support_x, support_y, query_x, query_y = (part[task] for part in episodes.tensors())
        adapted = [
            list(setup.learner.adapted_to(theta, (support_x, support_y), 0.1, 2, order=1))
            for theta in members
        ]
        for step in range(3):
            outputs = [
                setup.learner.predict(steps[step], query_x)
                if mode == "transductive"
                else predict_alone(setup.learner, steps[step], support_x, query_x)
                for steps in adapted
            ]
            mean = torch.stack([output.softmax(dim=1) for output in outputs]).mean(dim=0)
            right = mean[torch.arange(len(query_y)), query_y]
            assert curves.losses[task, step] == pytest.approx(-right.log().mean().item(), rel=1e-3)
            accuracy = (mean.argmax(dim=1) == query_y).float().mean().item()
            assert curves.accuracies[task, step] == pytest.approx(accuracy)


def test_an_ensemble_on_curves_is_judged_by_its_mean_values(small):
    setup = Setup.build(small("sinusoid"), CPU)
    learner = setup.learner
    outputs = torch.tensor([[[1.0], [2.0]], [[3.0], [5.0]]])
    assert learner.mean_prediction(outputs).tolist() == [[2.0], [3.5]]
    members = members_of(setup, 2)
    protocol = protocol_for(setup.config, Split.TEST, tasks=5, steps=1)
    together = evaluate(learner, members[0], setup.source, protocol, 0.01, others=members[1:])
    apart = [evaluate(learner, theta, setup.source, protocol, 0.01) for theta in members]
    # The squared error of a mean is below the mean of the squared errors.
    assert (together.losses < np.mean([one.losses for one in apart], axis=0)).all()
    assert not np.allclose(together.losses, apart[0].losses)


def test_networks_that_agree_are_an_ensemble_like_one(small):
    setup = Setup.build(small("strokes"), CPU)
    theta = setup.initial_state().theta
    protocol = protocol_for(setup.config, Split.TEST, tasks=4, steps=1)
    alone = setup.measure_by(protocol, theta)
    together = setup.measure_by(protocol, theta, others=[theta, theta])
    np.testing.assert_allclose(together.losses, alone.losses, rtol=1e-4)
    assert (alone.protocol.ensemble, together.protocol.ensemble) == (None, 3)


def test_the_size_of_a_chunk_changes_nothing(small, monkeypatch):
    config = small("strokes")
    setup, theta = prepared(config)
    protocol = protocol_for(config, Split.VAL, tasks=7, steps=1)
    whole = evaluate(setup.learner, theta, setup.source, protocol, 0.1).summarise()
    monkeypatch.setattr(evaluator, "_CHUNK_NUMBERS", 1)
    single = evaluate(setup.learner, theta, setup.source, protocol, 0.1).summarise()
    assert [at.mean for at in whole.loss] == pytest.approx([at.mean for at in single.loss], rel=1e-5)


def test_no_graph_is_built_and_theta_stays_as_it_was(small):
    config = small("strokes")
    setup, theta = prepared(config)
    before = {name: value.clone() for name, value in theta.items()}
    setup.validate(theta)
    assert all(torch.equal(before[name], theta[name]) and not theta[name].requires_grad for name in theta)


@pytest.mark.parametrize("kind", ["sinusoid", "strokes"])
def test_scores_are_what_the_mean_is_of(small, kind):
    config = small(kind)
    setup, theta = prepared(config)
    curves = setup.measure(theta, Split.TEST, tasks=5, steps=2)
    measurement = curves.summarise()
    assert (measurement.metric == "mse") == (kind == "sinusoid")
    assert curves.scores(1).shape == (5,)
    assert curves.scores(1).astype(float).mean() == measurement.series[1].mean


def test_a_diverging_task_is_counted_and_not_dropped(small):
    config = small("sinusoid")
    setup, theta = prepared(config)
    protocol = protocol_for(config, Split.TEST, tasks=20, steps=30)
    measurement = evaluate(setup.learner, theta, setup.source, protocol, 50.0).summarise()
    last = measurement.loss[-1]
    assert last.diverged > 0 and not last.mean < 100
    assert measurement.loss[0].diverged == 0


def test_what_counts_as_diverged():
    losses = np.array([[2.0, 1.0, 5.0], [4.0, 31.0, np.nan], [3.0, np.inf, 29.9]])
    assert diverged_tasks(losses).tolist() == [0, 2, 1]
    assert diverged_tasks(np.array([[np.inf, np.inf], [1.0, 2.0]])).tolist() == [1, 1]


def test_inductive_predictions_do_not_see_the_other_queries(small):
    config = small("strokes")
    setup, theta = prepared(config)
    shape = evaluation_shape(config)
    episodes = setup.source.sample(Stream(0, Split.TEST), torch.arange(1), shape)
    support, queries = episodes.support_x[0], episodes.query_x[0]
    together = predict_alone(setup.learner, theta, support, queries)
    torch.testing.assert_close(predict_alone(setup.learner, theta, support, queries[:2]), together[:2])
    transductive = setup.learner.predict(theta, queries)
    fewer = setup.learner.predict(theta, queries[:2])
    assert not torch.allclose(transductive[:2], fewer, atol=1e-3), (
        "batch statistics are shared when transductive"
    )
    assert not torch.allclose(together, transductive, atol=1e-3)


def test_the_mode_is_named_and_matters(small):
    values = {}
    for mode in ("transductive", "inductive"):
        config = small("strokes", f"eval_mode={mode}")
        setup, theta = prepared(config)
        measurement = setup.validate(theta)
        assert measurement.protocol.mode == mode
        values[mode] = measurement.loss[-1].mean
    assert values["transductive"] != values["inductive"]


def test_the_protocol_is_written_beside_the_numbers(small):
    config = small("strokes", "queries=3", "eval_queries=4", "ways=3", "shots=2", "eval_seed=9")
    setup, theta = prepared(config)
    protocol = setup.measure(theta, Split.TEST, tasks=5, steps=2).protocol
    assert protocol.model_dump() == {
        "step_size": None,
        "ensemble": None,
        "split": "test",
        "tasks": 5,
        "ways": 3,
        "shots": 2,
        "queries": 4,
        "steps": 2,
        "seed": 9,
        "mode": "transductive",
    }


@pytest.mark.parametrize(
    ("value", "best", "metric", "expected"),
    [
        (0.5, None, "mse", True),
        (0.5, 0.6, "mse", True),
        (0.5, 0.6, "accuracy", False),
        (0.7, 0.6, "accuracy", True),
        (0.6, 0.6, "accuracy", False),
        (math.nan, None, "mse", False),
        (math.inf, 0.1, "accuracy", False),
    ],
)
def test_better(value, best, metric, expected):
    assert is_better(value, best, metric) is expected
