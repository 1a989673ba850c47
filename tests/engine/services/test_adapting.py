"""Examples from outside go the way of every task: the same inner loop, the same pictures, the same numbers."""

from __future__ import annotations

import math
from types import SimpleNamespace

import pytest
import torch
from PIL import Image

from engine.errors import DivergedError, ResourceError, UsageError
from engine.evaluation.evaluator import predict_alone
from engine.services.apply import HANDLER, answer
from engine.services.apply_messages import APPLY, AdaptRequest, Origin
from engine.services.server import reply
from engine.tasks.episode import EpisodeShape
from engine.tasks.sampling import Split, Stream

POINTS = "x,y\n-2,1.5\n0.5,-0.25\n3,2\n"


@pytest.fixture
def points(tmp_path):
    (tmp_path / "points.csv").write_text(POINTS)
    return str(tmp_path / "points.csv")


@pytest.fixture
def drawn(tmp_path):
    """Write an episode's drawings as dark on light PNGs: `drawn(trained, shots)` -> (support, query, episode)."""

    def write(there, shots):
        shape = EpisodeShape(there.setup.config.task.ways, shots, 2)
        stream = Stream(1, Split.TEST)
        support_x, support_y, query_x, query_y = (
            part[0] for part in there.setup.source.sample(stream, torch.tensor([0]), shape).tensors()
        )
        for part, x, y in (("support", support_x, support_y), ("query", query_x, query_y)):
            for number, (picture, label) in enumerate(zip(x, y, strict=True)):
                path = tmp_path / part / f"class{label}" / f"{number:02}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                ink = (picture[0] * 255).round().to(torch.uint8).numpy()
                Image.fromarray(255 - ink).save(path)
        episode = SimpleNamespace(support=(support_x, support_y), query_x=query_x, query_y=query_y)
        return str(tmp_path / "support"), str(tmp_path / "query"), episode

    return write


def adapted(there, support, steps):
    *_, params = there.setup.learner.adapted_to(
        there.state.theta, support, there.setup.config.algorithm.inner_lr, steps, order=1
    )
    return params


def test_a_curve_is_fitted_by_the_inner_loop(trained, points):
    there = trained("sinusoid")
    report = answer(AdaptRequest(origin=there.origin, support=points, queries=(points,), steps=3))
    x, y = torch.tensor([[-2.0], [0.5], [3.0]]), torch.tensor([[1.5], [-0.25], [2.0]])
    params = adapted(there, (x, y), 3)
    expected = there.setup.learner.predict(params, x).flatten().tolist()
    assert [value.y for value in report.values] == pytest.approx(expected, abs=1e-6)
    assert [value.x for value in report.values] == [(-2,), (0.5,), (3,)]
    assert [value.actual for value in report.values] == [1.5, -0.25, 2]
    assert (report.name, report.iteration, report.steps, report.examples) == ("tiny", 2, 3, (3,))
    losses = [there.setup.learner.loss(p, x, y).item() for p in (there.state.theta, params)]
    assert (report.support_loss[0], report.support_loss[3]) == pytest.approx(losses, rel=1e-5)


def test_without_queries_a_curve_is_predicted_over_its_range(trained, points):
    there = trained("sinusoid", "x_range=[-1.0, 2.0]")
    report = answer(AdaptRequest(origin=there.origin, support=points))
    assert report.steps == there.setup.config.evaluation.eval_steps
    assert (report.values[0].x, report.values[-1].x, len(report.values)) == ((-1,), (2,), 21)
    assert report.values[0].actual is None


@pytest.mark.parametrize("mode", ["transductive", "inductive"])
def test_pictures_get_the_probabilities_that_they_get_in_training(trained, drawn, mode):
    there = trained("strokes")
    support, query, episode = drawn(there, shots=1)
    report = answer(AdaptRequest(origin=there.origin, support=support, queries=(query,), steps=2, mode=mode))
    params, learner = adapted(there, episode.support, 2), there.setup.learner
    if mode == "inductive":
        outputs = predict_alone(learner, params, episode.support[0], episode.query_x)
    else:
        outputs = learner.predict(params, episode.query_x)
    found = torch.tensor([guess.probabilities for guess in report.guesses])
    assert torch.allclose(found, outputs.softmax(dim=-1), atol=1e-4)
    assert [guess.actual for guess in report.guesses] == episode.query_y.tolist()
    assert report.mode == mode and report.class_names == tuple(f"class{n}" for n in range(5))


def test_a_class_may_have_more_examples_than_another(trained, drawn, tmp_path):
    there = trained("strokes", "loss_reduction='paper'")
    support, query, episode = drawn(there, shots=2)
    (tmp_path / "support" / "class0" / "00.png").unlink()
    report = answer(AdaptRequest(origin=there.origin, support=support, queries=(query,), steps=1))
    assert report.examples == (1, 2, 2, 2, 2)
    x, y = (part[1:] for part in episode.support)
    start = there.state.theta
    # 9 examples of 5 classes are 1.8 shots: the paper's loss is then N times the mean, as with equal classes.
    learner = there.setup.learner.for_shots(9 / 5)
    assert learner.loss(start, x, y).item() == pytest.approx(5 * report.support_loss[0], rel=1e-4)


def test_without_queries_nothing_is_guessed(trained, drawn):
    there = trained("strokes")
    support, _, _ = drawn(there, shots=1)
    assert answer(AdaptRequest(origin=there.origin, support=support)).guesses == ()


def test_parameters_that_explode_are_told(trained, points):
    there = trained("sinusoid", "inner_lr=50.0")
    with pytest.raises(DivergedError, match="not finite after 60 steps: take fewer"):
        answer(AdaptRequest(origin=there.origin, support=points, steps=60))


def test_adapted_parameters_are_saved_and_adapt_again(trained, points, tmp_path):
    there, file = trained("sinusoid"), str(tmp_path / "adapted.safetensors")
    once = AdaptRequest(origin=there.origin, support=points, steps=2, save=file)
    first = answer(once)
    again = answer(AdaptRequest(origin=Origin(file=file), support=points, steps=1))
    assert again.name == "tiny-adapted"
    assert again.support_loss[0] == pytest.approx(first.support_loss[2], rel=1e-5)
    with pytest.raises(UsageError, match=r"adapted\.safetensors exists: add --force"):
        answer(once)
    answer(once.model_copy(update={"force": True}))


def test_what_does_not_fit_the_model_is_told(trained, points, tmp_path):
    there = trained("sinusoid")
    with pytest.raises(UsageError, match="no batch statistics"):
        answer(AdaptRequest(origin=there.origin, support=points, mode="inductive"))
    (tmp_path / "wide.csv").write_text("1,2,3\n")
    with pytest.raises(UsageError, match="line 1: it needs 2 finite numbers"):
        answer(AdaptRequest(origin=there.origin, support=str(tmp_path / "wide.csv")))


def test_a_run_without_the_checkpoint_is_told(trained, points):
    there = trained("sinusoid")
    (there.run.checkpoints / "best.json").unlink()
    with pytest.raises(ResourceError, match="no best checkpoint"):
        answer(AdaptRequest(origin=Origin(run=str(there.run.path), checkpoint="best"), support=points))
    assert answer(AdaptRequest(origin=there.origin, support=points)).iteration == 2  # the latest must do


def test_one_request_one_report(trained, points):
    request = AdaptRequest(origin=trained("sinusoid").origin, support=points)
    (value, *_) = APPLY.read_answer(reply(lambda: HANDLER, APPLY.ask_line(1, request))).result.values
    assert math.isfinite(value.y)
    gone = APPLY.ask_line(2, request.model_copy(update={"support": "/gone.csv"}))
    failure = APPLY.read_answer(reply(lambda: HANDLER, gone)).failure
    assert failure.exit_code == 2 and "/gone.csv" in failure.sentence


def test_prototypes_adapt_too_but_a_baseline_has_no_step_size(trained, drawn, points):
    there = trained("strokes", "algorithm=prototypical")
    support, query, episode = drawn(there, shots=1)
    report = answer(AdaptRequest(origin=there.origin, support=support, queries=(query,), steps=1))
    outputs = there.setup.learner.predict(adapted(there, episode.support, 1), episode.query_x)
    found = torch.tensor([guess.probabilities for guess in report.guesses])
    assert torch.allclose(found, outputs.softmax(dim=-1), atol=1e-3)
    with pytest.raises(UsageError, match="is the baseline pretrained"):
        answer(AdaptRequest(origin=trained("sinusoid", "algorithm=pretrained").origin, support=points))
