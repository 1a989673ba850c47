"""What a GPU alone can show: a recording gives the bits of the step it was made of, undisturbed and without a wait."""

from __future__ import annotations

import pytest
import torch

from engine.acceleration.batched import Batched
from engine.acceleration.device import use_device
from engine.acceleration.ways import relative_difference
from engine.tasks.sampling import Split
from engine.training import recorded as graph
from engine.training.checkpoint import parameters_hash, restore, to_bytes
from engine.training.loop import Updated, Validated, meta_train
from engine.training.recorded import Step, replayed
from engine.training.setup import Setup

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")

CONFIGURATIONS = [
    ("sinusoid", "algorithm=maml"),
    ("sinusoid", "algorithm=fomaml", "grad_clip=0.01", "task_chunk=2"),
    ("strokes", "algorithm=maml"),
    ("strokes", "algorithm=fomaml", "grad_clip=0.01"),
    ("strokes", "algorithm=maml", "inner_steps=6", "task_chunk=1", "rotations=true"),
    ("strokes", "network=conv4-pool", "inner_steps=2"),
    ("strokes", "algorithm=pretrained"),
    ("strokes", "algorithm=prototypical"),
]


@pytest.fixture
def built(small):
    """Set up a tiny run on the GPU: `built(kind, "key=value", ...)`."""

    def build(kind, *overrides):
        config = small(kind, "iterations=50", "eval_every=20", *overrides)
        return Setup.build(config, use_device("cuda", tf32=config.training.tf32))

    return build


def recorded(setup, state):
    path, replay = replayed(setup, state)
    assert path.name == "vmap-graph", path.warnings
    return replay


def eager(setup, state):
    return Step(state, setup.way.computation, setup.episodes, setup.config.training.grad_clip)


@pytest.mark.parametrize("options", CONFIGURATIONS, ids=" ".join)
def test_fifty_replays_are_fifty_steps(built, options):
    setup = built(*options)
    plain, state = setup.initial_state(), setup.initial_state()
    replay, step = recorded(setup, state), eager(setup, plain)
    for _ in range(50):
        replay.take()
        step()
    replay._step.read()
    step.read()
    assert state.iteration == plain.iteration == 50
    assert parameters_hash(state.theta) == parameters_hash(plain.theta)


@pytest.mark.parametrize("options", CONFIGURATIONS[:5], ids=" ".join)
def test_a_replay_takes_the_update_of_the_ordinary_loop(built, options):
    setup = built(*options, "eval_every=0")
    ordinary, state = setup.initial_state(), setup.initial_state()
    replay = recorded(setup, state)
    next(meta_train(setup, ordinary))
    next(meta_train(setup, state, replay))
    assert parameters_hash(state.theta) == parameters_hash(ordinary.theta)


@pytest.mark.parametrize("kind", ["sinusoid", "strokes"])
def test_nobody_waits_during_replays(built, kind):
    setup = built(kind)
    replay = recorded(setup, setup.initial_state())
    torch.cuda.set_sync_debug_mode("error")
    try:
        for _ in range(20):
            replay.take()
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert replay._step.read().loss.isfinite()


@pytest.mark.parametrize("kind", ["sinusoid", "strokes"])
def test_nobody_waits_in_a_step_that_is_not_recorded(built, kind):
    setup = built(kind)
    step = eager(setup, setup.initial_state())
    step()
    torch.cuda.set_sync_debug_mode("error")
    try:
        step()
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert step.read().loss.isfinite()


@pytest.mark.parametrize("kind", ["sinusoid", "strokes"])
@pytest.mark.parametrize("stop_at", [1, 7, 20, 33])
def test_a_resumed_run_ends_with_the_same_bits(built, kind, stop_at):
    setup = built(kind, f"checkpoint_every={stop_at}")
    undisturbed, first = setup.initial_state(), setup.initial_state()
    list(meta_train(setup, undisturbed, recorded(setup, undisturbed)))
    for happening in meta_train(setup, first, recorded(setup, first)):
        if isinstance(happening, Updated) and first.iteration == stop_at:
            break
    again = restore(setup.initial_state(), to_bytes(first, {}), {})
    assert again.iteration == stop_at
    list(meta_train(setup, again, recorded(setup, again)))
    assert parameters_hash(again.theta) == parameters_hash(undisturbed.theta)
    assert (again.best, again.best_iteration) == (undisturbed.best, undisturbed.best_iteration)


def test_evaluations_and_other_work_between_replays_do_not_disturb_it(built):
    setup = built("strokes", "eval_every=0", "checkpoint_every=5")
    undisturbed, state = setup.initial_state(), setup.initial_state()
    list(meta_train(setup, undisturbed, recorded(setup, undisturbed)))
    for happening in meta_train(setup, state, recorded(setup, state)):
        assert not isinstance(happening, Validated)
        setup.validate(state.theta)
        to_bytes(state, {})
        torch.cuda.empty_cache()
        torch.full((2**24,), torch.nan, device=setup.device)
    assert parameters_hash(state.theta) == parameters_hash(undisturbed.theta)


def test_a_checkpoint_goes_from_device_to_device(built, small):
    setup = built("sinusoid")
    here = Setup.build(setup.config, torch.device("cpu"))
    state = here.initial_state()
    for happening in meta_train(here, state):
        if isinstance(happening, Updated) and state.iteration == 10:
            break
    there = restore(setup.initial_state(), to_bytes(state, {}), {})
    for happening in meta_train(setup, there, recorded(setup, there)):
        if isinstance(happening, Updated) and there.iteration >= 20:
            break
    back = restore(here.initial_state(), to_bytes(there, {}), {})
    list(meta_train(here, back))
    assert back.iteration == 50 and all(value.isfinite().all() for value in back.theta.values())


class Waiting(Step):
    """A step that waits for a value, which cannot be recorded."""

    def __call__(self):
        super().__call__()
        self._iteration.item()


def test_a_step_that_waits_is_not_recorded_and_does_no_harm(built, monkeypatch):
    setup = built("sinusoid")
    with monkeypatch.context() as patch:
        patch.setattr(graph, "Step", Waiting)
        path, replay = replayed(setup, setup.initial_state())
    assert (path.name, replay) == ("vmap", None)
    assert "it cannot be recorded here (called a synchronizing CUDA operation" in path.warnings[-1]
    state = setup.initial_state()
    list(meta_train(setup, state, recorded(setup, state)))
    assert state.iteration == 50


@pytest.mark.parametrize("kind", ["sinusoid", "strokes"])
def test_the_meta_gradient_is_the_cpus(built, kind):
    setup = built(kind)
    here = Setup.build(setup.config, torch.device("cpu"))
    for ours, theirs in zip(setup.episodes(3).tensors(), here.episodes(3).tensors(), strict=True):
        assert torch.equal(ours.cpu(), theirs)
    theta = {name: value.double() for name, value in here.initial_state().theta.items()}
    episodes = here.episodes(0)
    wide = type(episodes)(*(p.double() if p.is_floating_point() else p for p in episodes.tensors()))
    expected, _ = here.algorithm.meta_gradient(theta, wide)
    there = type(episodes)(*(part.to(setup.device) for part in wide.tensors()))
    theta = {name: value.to(setup.device) for name, value in theta.items()}
    found, _ = Batched(setup.algorithm, 0, recompute=False).meta_gradient(theta, there)
    assert relative_difference({name: value.cpu() for name, value in found.items()}, expected) <= 1e-10


@pytest.mark.parametrize("kind", ["sinusoid", "strokes"])
@pytest.mark.parametrize("mode", ["transductive", "inductive"])
def test_an_evaluation_is_the_cpus(built, kind, mode):
    setup = built(kind, "val_tasks=200", *([f"eval_mode={mode}"] if kind == "strokes" else []))
    here = Setup.build(setup.config, torch.device("cpu"))
    theta = here.initial_state().theta
    expected = here.measure(theta, Split.VAL, tasks=200, steps=3)
    there = {name: value.to(setup.device) for name, value in theta.items()}
    found = setup.measure(there, Split.VAL, tasks=200, steps=3)
    torch.testing.assert_close(
        torch.tensor(found.losses), torch.tensor(expected.losses), rtol=1e-3, atol=1e-3
    )


def test_tf32_is_off_unless_asked_for(built):
    built("strokes")
    assert not torch.backends.cudnn.allow_tf32 and not torch.backends.cuda.matmul.allow_tf32
    setup = built("strokes", "tf32=true")
    assert torch.backends.cudnn.allow_tf32 and torch.backends.cuda.matmul.allow_tf32
    state = setup.initial_state()
    list(meta_train(setup, state, recorded(setup, state)))
    assert state.iteration == 50
    use_device("cuda")
