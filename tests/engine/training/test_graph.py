"""Iterations in a row stop wherever somebody must look, and a recording is used only if it agrees with the reference.

Here the step takes the place of its recording; what a GPU alone can show is in `test_on_gpu.py`.
"""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from engine.acceleration.batched import Batched
from engine.acceleration.device import TRAINING_REMEDY, explain_out_of_memory
from engine.acceleration.ways import Way
from engine.errors import DivergedError, ResourceError
from engine.tasks.custom import CustomTasks
from engine.training import recorded as graph
from engine.training.checkpoint import parameters_hash
from engine.training.loop import Updated, Validated, meta_train, until_due
from engine.training.recorded import Replay, Step, replayed
from engine.training.setup import Setup

CPU = torch.device("cpu")


class Ticking:
    """A clock that a meta-iteration takes a hundredth of a second on."""

    def __init__(self):
        self.now = 0.0

    def perf_counter(self):
        return self.now


def batched(config):
    setup = Setup.build(config, CPU)
    setup.__dict__["way"] = Way("vmap", Batched(setup.algorithm, 0, False))
    return setup


def replay_of(setup, state, clock=None):
    step = Step(state, setup.way.computation, setup.episodes, setup.config.training.grad_clip)
    taken = []

    def take():
        taken.append(1)
        if clock:
            clock.now += 0.01
        step()

    return Replay(step, take), taken


@pytest.fixture
def clock(monkeypatch):
    ticking = Ticking()
    monkeypatch.setattr(graph, "time", ticking)
    return ticking


def test_it_is_looked_at_twenty_times_a_second(small, clock):
    setup = batched(small("sinusoid"))
    replay, taken = replay_of(setup, setup.initial_state(), clock)
    counts = []
    for most in (100, 100, 3, 100):
        before = len(taken)
        replay.advance(most)
        counts.append(len(taken) - before)
    assert counts == [1, 5, 3, 5]


@pytest.mark.parametrize("kind", ["sinusoid", "strokes"])
def test_training_stops_at_every_validation_and_checkpoint_and_gives_the_same_bits(small, clock, kind):
    options = ("iterations=23", "eval_every=4", "checkpoint_every=6", "patience=0")
    setup = batched(small(kind, *options))
    ordinary, state = setup.initial_state(), setup.initial_state()
    expected = [h for h in meta_train(setup, ordinary) if isinstance(h, Validated)]
    replay, taken = replay_of(setup, state, clock)
    seen, validated = [], []
    for happening in meta_train(setup, state, replay):
        if isinstance(happening, Updated):
            seen.append(state.iteration)
        else:
            validated.append((state.iteration, happening))
    assert len(taken) == state.iteration == 23
    assert {4, 6, 8, 12, 16, 18, 20, 23} <= set(seen) and len(seen) < 23
    assert [at for at, _ in validated] == [4, 8, 12, 16, 20]
    assert [v.measurement for _, v in validated] == [v.measurement for v in expected]
    assert parameters_hash(state.theta) == parameters_hash(ordinary.theta)


def test_patience_and_divergence_end_it_too(small, clock):
    setup = batched(small("sinusoid", "meta_lr=1e-30", "patience=2", "iterations=400"))
    state = setup.initial_state()
    list(meta_train(setup, state, replay_of(setup, state, clock)[0]))
    assert state.iteration == 12
    setup = batched(small("sinusoid", "inner_lr=100", "inner_steps=60", "eval_every=0"))
    state = setup.initial_state()
    for value in state.theta.values():
        value.mul_(1000)
    with pytest.raises(DivergedError, match="lower inner_lr or meta_lr, or set grad_clip"):
        list(meta_train(setup, state, replay_of(setup, state, clock)[0]))


@pytest.mark.parametrize(
    ("every", "checkpoints", "iteration", "expected"),
    [(0, 0, 3, 97), (10, 0, 3, 7), (0, 10, 10, 10), (7, 10, 8, 2), (7, 5, 8, 2), (60, 60, 90, 10)],
)
def test_how_far_it_is_to_the_next_look(small, every, checkpoints, iteration, expected):
    options = ("iterations=100", f"eval_every={every}", f"checkpoint_every={checkpoints}")
    assert until_due(small("sinusoid", *options).training, iteration) == expected


class Wrong(Step):
    """A recording that goes wrong: it repeats its first iteration."""

    def __call__(self):
        super().__call__()
        self._iteration.zero_()


def eager(step, device):
    return step


@pytest.mark.parametrize("kind", ["sinusoid", "strokes"])
def test_a_recording_that_agrees_is_used_and_starts_from_the_state(small, monkeypatch, kind):
    monkeypatch.setattr(graph, "record", eager)
    setup = batched(small(kind, "iterations=6", "eval_every=0"))
    ordinary, state = setup.initial_state(), setup.initial_state()
    defect, replay = graph._recorded(setup, state, setup.way.computation)
    assert defect is None and state.iteration == 0
    for one in (ordinary, state):
        list(meta_train(setup, one, replay if one is state else None))
    assert parameters_hash(state.theta) == parameters_hash(ordinary.theta)


def test_a_recording_that_differs_is_not_used(small, monkeypatch):
    monkeypatch.setattr(graph, "record", eager)
    monkeypatch.setattr(graph, "Step", Wrong)
    setup = batched(small("sinusoid"))
    defect, replay = graph._recorded(setup, setup.initial_state(), setup.way.computation)
    assert replay is None
    assert defect.startswith("its meta-gradient differs from the reference's by")


def test_the_warning_names_the_error_that_all_began_with(small, monkeypatch):
    end = RuntimeError("operation failed due to a previous error during capture")
    end.__context__ = RuntimeError("called a synchronizing CUDA operation")
    monkeypatch.setattr(graph, "record", failing(end))
    setup = batched(small("sinusoid"))
    defect, _ = graph._recorded(setup, setup.initial_state(), setup.way.computation)
    assert defect == "it cannot be recorded here (called a synchronizing CUDA operation)"


def failing(error):
    def record(step, device):
        raise error

    return record


def test_what_cannot_be_recorded_is_told_in_one_line_and_the_rest_goes_on(small, monkeypatch):
    error = RuntimeError("operation not permitted when stream is capturing\nand a long explanation")
    monkeypatch.setattr(graph, "record", failing(error))
    setup = batched(small("sinusoid"))
    on_gpu = SimpleNamespace(**setup.__dict__ | {"device": torch.device("cuda", 0)})
    state = setup.initial_state()
    path, replay = replayed(on_gpu, state)
    assert (path.name, replay) == ("vmap", None)
    (warning,) = path.warnings
    assert (
        warning
        == f"the fast path vmap-graph is not used: it cannot be recorded here ({str(error).splitlines()[0]})"
    )
    list(meta_train(setup, state, replay))
    assert state.iteration == 12


@pytest.mark.parametrize("hidden", [False, True])
def test_running_out_of_memory_names_the_settings(small, monkeypatch, hidden):
    error = torch.OutOfMemoryError("CUDA out of memory.")
    if hidden:
        end = RuntimeError("operation failed due to a previous error during capture")
        end.__context__ = error
        error = end
    monkeypatch.setattr(graph, "record", failing(error))
    setup = batched(small("sinusoid"))
    with (
        pytest.raises(ResourceError, match="task_chunk = 1 and checkpoint_inner = on"),
        explain_out_of_memory(TRAINING_REMEDY),
    ):
        graph._recorded(setup, setup.initial_state(), setup.way.computation)


def test_where_nothing_is_recorded(small, monkeypatch):
    monkeypatch.setattr(graph, "_recorded", lambda *arguments: (None, "a recording"))
    setup = batched(small("sinusoid"))
    assert replayed(setup, setup.initial_state()) == (setup.way, None), "there are no graphs on a CPU"
    there = setup.__dict__ | {"device": torch.device("cuda", 0)}
    path, replay = replayed(SimpleNamespace(**there), None)
    assert (path.name, replay) == ("vmap-graph", "a recording")
    own = CustomTasks("a:B", None, (1,), {}, there["device"])
    assert replayed(SimpleNamespace(**there | {"source": own}), None) == (setup.way, None)
    loop = Way("loop", setup.algorithm)
    assert replayed(SimpleNamespace(**there | {"way": loop}), None) == (loop, None)
