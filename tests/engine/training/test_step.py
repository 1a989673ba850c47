"""A step takes the iterations that the ordinary loop takes, and none of its operations makes the host wait."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch.optim import adam
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from engine.acceleration.batched import Batched
from engine.acceleration.ways import Way, relative_difference
from engine.algorithms.algorithm import QueryMetrics
from engine.errors import DivergedError
from engine.tasks.images import ImageTasks
from engine.training.checkpoint import parameters_hash, restore, to_bytes
from engine.training.loop import meta_train
from engine.training.recorded import Step
from engine.training.setup import Setup
from engine.training.state import MAX_SKIPPED_IN_A_ROW, fresh_state, update

CPU, META = torch.device("cpu"), torch.device("meta")

CONFIGURATIONS = [
    (kind, *options)
    for kind in ("sinusoid", "strokes")
    for options in (
        ("algorithm=maml", "grad_clip=0"),
        ("algorithm=fomaml", "grad_clip=0.001"),
        ("algorithm=maml", "grad_clip=0.001", "task_chunk=1"),
        ("algorithm=maml", "grad_clip=0", "inner_steps=3", "checkpoint_inner=on", "task_chunk=2"),
    )
]


class Faulty:
    """A way whose meta-gradient is not finite in some iterations."""

    def __init__(self, way, faults):
        self.way, self.faults, self.calls = way, faults, 0

    def meta_gradient(self, theta, episodes):
        gradient, metrics = self.way.meta_gradient(theta, episodes)
        faulty, self.calls = self.calls in self.faults, self.calls + 1
        if not faulty:
            return gradient, metrics
        broken = {name: torch.full_like(value, torch.nan) for name, value in gradient.items()}
        return broken, QueryMetrics(metrics.loss * torch.nan, metrics.accuracy)


def batched(config):
    """Return a setup that goes the way of a GPU."""
    setup = Setup.build(config, CPU)
    training = config.training
    way = Batched(setup.algorithm, training.task_chunk, training.checkpoint_inner == "on")
    setup.__dict__["way"] = Way("vmap", way)
    return setup


def step_of(setup, state, way=None):
    return Step(state, way or setup.way.computation, setup.episodes, setup.config.training.grad_clip)


def doubled(setup):
    """Return a state and a source of meta-batches in float64."""
    theta = {name: value.double() for name, value in setup.initial_state().theta.items()}

    def episodes(iteration):
        drawn = setup.episodes(iteration).tensors()
        return type(setup.episodes(0))(*(p.double() if p.is_floating_point() else p for p in drawn))

    return fresh_state(theta, setup.config.training.meta_lr), episodes


@pytest.mark.parametrize("options", CONFIGURATIONS, ids=" ".join)
def test_it_takes_the_iterations_of_the_plain_loop(small, options):
    setup = batched(small(*options))
    (plain, episodes), (state, _) = doubled(setup), doubled(setup)
    clip = setup.config.training.grad_clip
    step = Step(state, setup.way.computation, episodes, clip)
    for iteration in range(6):
        gradient, metrics = setup.algorithm.meta_gradient(plain.theta, episodes(iteration))
        norm = update(plain, gradient, clip)
        step()
        updated = step.read()
        found = {name: value.grad for name, value in state.theta.items()}
        expected = {name: value.grad for name, value in plain.theta.items()}
        assert relative_difference(found, expected) <= 1e-10
        assert relative_difference(state.theta, plain.theta) <= 1e-10
        assert (state.iteration, state.skipped) == (iteration + 1, 0)
        torch.testing.assert_close(updated.loss, metrics.loss.float())
        torch.testing.assert_close(updated.accuracy, metrics.accuracy.float(), equal_nan=True)
        assert updated.grad_norm == pytest.approx(norm)


@pytest.mark.parametrize("options", CONFIGURATIONS, ids=" ".join)
def test_it_gives_the_bits_of_the_ordinary_loop_whenever_it_is_read(small, options):
    setup = batched(small(*options, "iterations=6", "eval_every=0"))
    ordinary, state = setup.initial_state(), setup.initial_state()
    list(meta_train(setup, ordinary))
    step = step_of(setup, state)
    for _ in range(6):
        step()
    step.read()
    assert state.iteration == 6
    assert parameters_hash(state.theta) == parameters_hash(ordinary.theta)


def test_a_checkpoint_of_one_is_taken_up_by_the_other(small):
    setup = batched(small("strokes", "iterations=6", "eval_every=0"))
    undisturbed = setup.initial_state()
    list(meta_train(setup, undisturbed))
    first = setup.initial_state()
    step = step_of(setup, first)
    for _ in range(2):
        step()
    step.read()
    second = restore(setup.initial_state(), to_bytes(first, {}), {})
    for _, _ in zip(range(2), meta_train(setup, second), strict=False):
        pass
    third = restore(setup.initial_state(), to_bytes(second, {}), {})
    step = step_of(setup, third)
    for _ in range(6 - third.iteration):
        step()
    step.read()
    assert parameters_hash(third.theta) == parameters_hash(undisturbed.theta)
    moments, expected = (state.optimizer.state_dict() for state in (third, undisturbed))
    assert torch.equal(moments["steps"], expected["steps"])
    for name in ("first", "second"):
        assert all(map(torch.equal, moments[name], expected[name]))


@pytest.mark.parametrize("kind", ["sinusoid", "strokes"])
def test_what_is_not_finite_is_left_out_as_in_the_ordinary_loop(small, kind):
    setup = batched(small(kind))
    ordinary, state = setup.initial_state(), setup.initial_state()
    way, faults = setup.way.computation, {0, 2, 3}
    step, faulty = step_of(setup, state, Faulty(way, faults)), Faulty(way, faults)
    for iteration in range(6):
        update(ordinary, faulty.meta_gradient(ordinary.theta, setup.episodes(iteration))[0], clip=0.0)
        ordinary.iteration += 1
        step()
        updated = step.read()
        assert torch.isfinite(updated.loss).item() is (iteration not in faults)
        for count in ("iteration", "skipped", "skipped_in_a_row"):
            assert getattr(state, count) == getattr(ordinary, count)
        assert parameters_hash(state.theta) == parameters_hash(ordinary.theta)


def test_after_too_many_in_a_row_nothing_changes_any_more(small):
    setup = batched(small("sinusoid"))
    state = setup.initial_state()
    faults = range(2, 2 + MAX_SKIPPED_IN_A_ROW)
    step = step_of(setup, state, Faulty(setup.way.computation, faults))
    for _ in range(2):
        step()
    step.read()
    before = parameters_hash(state.theta)
    for _ in range(MAX_SKIPPED_IN_A_ROW + 5):
        step()
    with pytest.raises(DivergedError, match=f"up to iteration {2 + MAX_SKIPPED_IN_A_ROW}, were not finite"):
        step.read()
    assert parameters_hash(state.theta) == before
    assert (state.iteration, state.skipped) == (2 + MAX_SKIPPED_IN_A_ROW, MAX_SKIPPED_IN_A_ROW)


def test_an_idle_step_changes_nothing(small):
    setup = batched(small("sinusoid"))
    idled, state = setup.initial_state(), setup.initial_state()
    first, second = step_of(setup, idled), step_of(setup, state)
    with first.idle():
        for _ in range(3):
            first()
    for step in (first, second):
        step()
        step.read()
    assert (idled.iteration, idled.skipped, idled.skipped_in_a_row) == (1, 0, 0)
    assert to_bytes(idled, {}) == to_bytes(state, {})


class OnTheDevice(TorchDispatchMode):
    """Refuses what a recording cannot hold, where `meta` is the device: it has shapes, but no values to wait for.

    Numbers of the program may take part: they are arguments of a kernel. Whatever else is not on the device, or is
    brought there, is refused. Operations whose result has a shape that depends on values fail on `meta` by themselves.
    """

    def __init__(self):
        super().__init__()
        self.shapes = []

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        result = operation(*args, **(kwargs or {}))
        tensors = [part for part in tree_leaves((args, kwargs, result)) if isinstance(part, torch.Tensor)]
        elsewhere = [tensor for tensor in tensors if tensor.device != META]
        assert not any(tensor.dim() for tensor in elsewhere), f"{operation} works off the device"
        assert len(elsewhere) in (0, len(tensors)) or "copy" not in str(operation), f"{operation} moves"
        self.shapes.append((str(operation), [tuple(tensor.shape) for tensor in tensors]))
        return result


def on_meta(config, monkeypatch):
    """Return a step whose tensors are all on `meta`."""
    monkeypatch.setattr(adam, "_device_dtype_check_for_fused", lambda parameter: None)
    setup = batched(config)
    step_of(setup, setup.initial_state())()  # the keys of the hash are numbers, kept after their first use
    source = setup.source
    if isinstance(source, ImageTasks):
        parts = {name: getattr(source, name).to(META) for name in ("images", "offsets", "counts")}
        classes = {split: numbers.to(META) for split, numbers in source.classes.items()}
        source = replace(source, classes=classes, **parts)
    else:
        source = replace(source, device=META)
    there = Setup(config, META, source, setup.learner, setup.algorithm)
    theta = {name: value.to(META) for name, value in setup.initial_state().theta.items()}
    return Step(fresh_state(theta, 0.001), setup.way.computation, there.episodes, config.training.grad_clip)


@pytest.mark.parametrize(
    "options",
    [
        *CONFIGURATIONS,
        ("strokes", "rotations=true"),
        ("strokes", "algorithm=pretrained", "rotations=true"),
        ("strokes", "algorithm=prototypical"),
        ("strokes", "network=conv4-pool"),
        ("strokes", "loss_reduction=paper"),
        ("sinusoid", "algorithm=oracle"),
    ],
    ids=" ".join,
)
def test_a_step_stays_on_the_device_and_is_the_same_every_time(small, monkeypatch, options):
    step = on_meta(small(*options), monkeypatch)
    step()  # Adam's moments are made
    seen = []
    for _ in range(2):
        with OnTheDevice() as mode:
            step()
        seen.append(mode.shapes)
    assert seen[0] == seen[1] and len(seen[0]) > 50


class Hasty:
    """A way that does what a recording cannot hold."""

    def __init__(self, way, harm):
        self.way, self.harm = way, harm

    def meta_gradient(self, theta, episodes):
        gradient, metrics = self.way.meta_gradient(theta, episodes)
        self.harm(next(iter(gradient.values())))
        return gradient, metrics


@pytest.mark.parametrize(
    "harm",
    [
        lambda values: float(values.sum()),
        lambda values: values[values > 0],
        lambda values: values.nonzero(),
        lambda values: torch.ones(3).to(values.device),
        lambda values: values + torch.ones(()).to(values.device),
        lambda values: values.to("cpu"),
    ],
)
def test_what_cannot_be_recorded_would_be_seen(small, monkeypatch, harm):
    step = on_meta(small("sinusoid"), monkeypatch)
    step._way = Hasty(step._way, harm)
    with pytest.raises((AssertionError, RuntimeError, NotImplementedError)), OnTheDevice():
        step()
