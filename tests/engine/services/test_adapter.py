"""What is shown is what counted: the evaluator's tasks, its inner loop, its numbers."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import psutil
import pytest
import torch

from engine.config.record import RunRecord
from engine.config.resolve import ResolvedConfig
from engine.errors import ResourceError, UsageError
from engine.evaluation.evaluator import evaluate
from engine.runs.checkpoints import load_checkpoint, read_pointer, save_checkpoint
from engine.runs.directory import RunDirectory, create_run
from engine.runs.events import Protocol
from engine.services.client import conversation
from engine.services.explore import GRID_POINTS, HANDLER, Adapter
from engine.services.explore_messages import EXPLORE, MAX_STEPS, ExploreRequest, no_checkpoint_yet
from engine.services.server import reply
from engine.services.service import Answered
from engine.training.checkpoint import to_bytes
from engine.training.loop import meta_train
from engine.training.setup import Setup

CPU = torch.device("cpu")
TASKS = 5


@pytest.fixture
def trained(small, tmp_path):
    """Train a tiny run for a few iterations: `trained(kind, *overrides)` -> (run, setup, state)."""

    def make(kind, *overrides, labels=("latest",)):
        config = small(kind, "iterations=3", "eval_every=0", *overrides)
        setup = Setup.build(config, CPU)
        state = setup.initial_state()
        for _ in meta_train(setup, state):
            pass
        record = RunRecord(ResolvedConfig(config), "test", "cpu")
        run = create_run("test", record.to_toml, root=tmp_path)
        save(SimpleNamespace(run=run, setup=setup, state=state), labels)
        return SimpleNamespace(run=run, setup=setup, state=state)

    return make


def save(trained, labels=("latest",)):
    payload = to_bytes(trained.state, trained.setup.source.fingerprint)
    save_checkpoint(trained.run, trained.state.iteration, payload, set(labels))


def question(**changes):
    usual = {
        "run": "/runs/7f3a",
        "checkpoint": "latest",
        "split": "test",
        "task": 0,
        "steps": 3,
        "shots": 2,
        "queries": 3,
    }
    return ExploreRequest.model_validate({**usual, **changes})


def evaluated(trained, split, shots):
    """Evaluate the first tasks with the evaluator, by the protocol of the questions above."""
    evaluation, config = trained.setup.config.evaluation, trained.setup.config
    protocol = Protocol(
        split=split,
        tasks=TASKS,
        ways=None if config.is_regression else config.task.ways,
        shots=shots,
        queries=3,
        steps=3,
        seed=evaluation.eval_seed,
        mode=None if config.is_regression else evaluation.eval_mode,
    )
    inner_lr = config.algorithm.inner_lr
    return evaluate(trained.setup.learner, trained.state.theta, trained.setup.source, protocol, inner_lr)


@pytest.mark.parametrize(
    ("kind", "overrides"),
    [
        ("sinusoid", ()),
        ("strokes", ("loss_reduction='paper'",)),
        ("strokes", ("eval_mode='inductive'",)),
    ],
)
@pytest.mark.parametrize("split", ["val", "test"])
def test_the_scores_are_the_evaluators(trained, kind, overrides, split):
    there = trained(kind, *overrides)
    adapter = Adapter(there.run)
    answers = [adapter.answer(question(split=split, task=task)) for task in range(TASKS)]
    measured = evaluated(there, split, shots=2)
    assert np.array([answer.loss for answer in answers]) == pytest.approx(measured.losses, rel=1e-4)
    if kind == "strokes":
        assert np.array([answer.accuracy for answer in answers]) == pytest.approx(measured.accuracies)


def test_a_curve_is_drawn_as_it_is_and_as_the_network_sees_it(trained):
    there = trained("sinusoid")
    answer = Adapter(there.run).answer(question(shots=4))
    x = np.array(answer.x)
    assert (x[0], x[-1], len(x)) == (-5, 5, GRID_POINTS) and (np.diff(x) > 0).all()
    assert answer.truth == pytest.approx(answer.amplitude * np.sin(x - answer.phase), abs=1e-5)
    support = answer.amplitude * np.sin(np.array(answer.support_x) - answer.phase)
    assert answer.support_y == pytest.approx(support, abs=1e-5) and len(support) == 4
    untrained = there.setup.learner.predict(there.state.theta, torch.tensor(answer.x)[:, None])
    assert answer.predictions[0] == pytest.approx(untrained.flatten().tolist(), abs=1e-6)
    assert np.array(answer.predictions).shape == (4, GRID_POINTS)
    assert answer.predictions[3] != answer.predictions[0]


def test_a_curve_can_be_bent_and_keeps_its_points(trained):
    adapter = Adapter(trained("sinusoid").run)
    own = adapter.answer(question())
    bent = adapter.answer(question(amplitude=2.5, phase=1.0))
    assert (bent.amplitude, bent.phase) == (2.5, 1.0) and bent.support_x == own.support_x
    same = adapter.answer(question(amplitude=own.amplitude, phase=own.phase))
    assert same.support_y == own.support_y and same.predictions == own.predictions


def test_fewer_shots_are_the_first_of_more(trained):
    adapter = Adapter(trained("sinusoid").run)
    assert adapter.answer(question(shots=9)).support_x[:2] == adapter.answer(question()).support_x


def test_pictures_names_and_probabilities_fit_together(trained):
    there = trained("strokes")
    answer = Adapter(there.run).answer(question(shots=2))
    ways = there.setup.config.task.ways
    assert len(answer.class_names) == len(set(answer.class_names)) == ways
    assert answer.queries.shape == (ways * 3, 1, 28, 28) and len(answer.queries.pixels) == ways * 3 * 784
    assert answer.support.classes == tuple(np.repeat(range(ways), 2))
    probabilities = np.array(answer.probabilities)
    assert probabilities.shape == (4, ways * 3, ways)
    assert probabilities.sum(axis=2) == pytest.approx(1, abs=1e-5)
    right = probabilities.argmax(axis=2) == np.array(answer.queries.classes)
    assert right.mean(axis=1) == pytest.approx(answer.accuracy)


def test_the_named_classes_are_those_in_the_pictures(trained):
    there = trained("strokes")
    source = there.setup.source
    answer = Adapter(there.run).answer(question(shots=1))
    first = np.frombuffer(answer.support.pixels, np.uint8).reshape(answer.support.shape)[0]
    number = source.class_names.index(answer.class_names[0])
    drawings = source.images[source.offsets[number] :][: source.counts[number]].numpy()
    turned = [np.rot90(first, turns, axes=(1, 2)) for turns in range(4)]
    assert any(np.array_equal(drawing, candidate) for drawing in drawings for candidate in turned)


def test_a_checkpoint_is_read_again_only_when_it_is_another(trained, monkeypatch):
    there = trained("sinusoid")
    adapter, reads = Adapter(there.run), []
    monkeypatch.setattr(
        "engine.services.explore.load_checkpoint", lambda *of: reads.append(of) or load_checkpoint(*of)
    )
    assert [adapter.answer(question()).iteration for _ in range(3)] == [3, 3, 3]
    there.state.iteration = 4
    there.state.theta[
        "network.0.bias" if "network.0.bias" in there.state.theta else next(iter(there.state.theta))
    ] += 1
    save(there)
    assert adapter.answer(question()).iteration == 4 and len(reads) == 2


def test_latest_and_best_are_kept_apart(trained):
    there = trained("sinusoid", labels=("latest", "best"))
    there.state.iteration = 9
    save(there)
    adapter = Adapter(there.run)
    assert adapter.answer(question(checkpoint="best")).iteration == 3
    assert adapter.answer(question(checkpoint="latest")).iteration == 9


def test_problems_are_told_and_the_next_question_is_answered(trained, monkeypatch):
    monkeypatch.setattr("os.nice", lambda _: None)
    run = str(trained("strokes").run.path)

    def told(text):
        return EXPLORE.read_answer(reply(lambda: HANDLER, text))

    line = EXPLORE.ask_line(5, question(run=run))
    too_many = told(EXPLORE.ask_line(5, question(run=run, queries=1000)))
    assert too_many.id == 5 and "pictures" in too_many.failure.sentence
    assert "steps" in told(line.replace(b'"steps":3', f'"steps":{MAX_STEPS + 1}'.encode())).failure.sentence
    assert told(line).result.kind == "pictures"


def test_a_missing_or_damaged_checkpoint_is_told(trained):
    there = trained("sinusoid", "checkpoint_every=2")
    adapter = Adapter(there.run)
    with pytest.raises(ResourceError, match="not validated"):
        adapter.answer(question(checkpoint="best"))
    (there.run.checkpoints / read_pointer(there.run, "latest").file).write_bytes(b"torn")
    with pytest.raises(ResourceError, match="damaged"):
        adapter.answer(question())
    (there.run.checkpoints / "latest.json").unlink()
    with pytest.raises(ResourceError, match="after iteration 2"):
        adapter.answer(question())


@pytest.mark.parametrize(
    ("overrides", "label", "expected"),
    [
        (("eval_every=0", "checkpoint_every=0", "iterations=1500"), "latest", "after iteration 1,500"),
        (("eval_every=4", "checkpoint_every=9"), "latest", "after iteration 4"),
        (("eval_every=4",), "best", "after iteration 4"),
        (("eval_every=0",), "best", "choose the latest"),
    ],
)
def test_when_the_first_checkpoint_comes(small, overrides, label, expected):
    assert expected in no_checkpoint_yet(small("sinusoid", *overrides), label)


def test_answers_survive_the_pipe_even_where_they_are_not_finite(trained):
    answer = Adapter(trained("sinusoid").run).answer(question())
    broken = answer.model_copy(update={"loss": (math.nan, math.inf, 1.0, 2.0)})
    read = EXPLORE.read_answer(EXPLORE.answer_line(Answered(id=1, result=broken))).result
    assert math.isnan(read.loss[0]) and read.loss[1:] == (math.inf, 1.0, 2.0)
    pictures = Adapter(trained("strokes").run).answer(question())
    assert EXPLORE.read_answer(EXPLORE.answer_line(Answered(id=1, result=pictures))).result == pictures


def test_a_process_gives_way_and_is_asked_again(trained):
    there = trained("sinusoid")
    asked = question(run=str(there.run.path))
    with conversation(EXPLORE) as talk:
        before = set(psutil.Process().children())
        first = talk(asked)
        (process,) = set(psutil.Process().children()) - before
        assert process.nice() >= 10
        with pytest.raises(ResourceError, match="best"):
            talk(asked.model_copy(update={"checkpoint": "best"}))
        assert talk(asked) == first


def test_a_run_that_is_none_is_told(tmp_path):
    with pytest.raises(UsageError, match=r"config\.toml"):
        Adapter(RunDirectory(tmp_path)).answer(question())


def test_an_oracle_is_told_the_curve_and_steps_by_the_chosen_size(trained):
    oracle = trained("sinusoid", "algorithm=oracle", "meta_lr=0.01")
    answer = Adapter(oracle.run).answer(question(amplitude=3.0))
    assert len(answer.support_x) == 2 and len(answer.predictions[0]) == GRID_POINTS
    point = torch.tensor([[answer.x[7], 3.0, answer.phase]])
    expected = oracle.setup.learner.predict(oracle.state.theta, point).item()
    assert answer.predictions[0][7] == pytest.approx(expected, abs=1e-6)
