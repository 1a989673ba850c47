"""The outer loop: learns, resumes bit for bit, skips what is not finite, keeps the best, stops early."""

from __future__ import annotations

import io
import math

import pytest
import torch

from engine.errors import DivergedError, ResourceError
from engine.training.checkpoint import parameters_hash, restore, to_bytes
from engine.training.loop import Updated, Validated, meta_train
from engine.training.setup import Setup
from engine.training.state import MAX_SKIPPED_IN_A_ROW, update, update_best

CPU = torch.device("cpu")


def trained(config):
    setup = Setup.build(config, CPU)
    state = setup.initial_state()
    return setup, state, list(meta_train(setup, state))


def test_training_lowers_the_loss(small):
    config = small(
        "sinusoid", "iterations=300", "eval_every=300", "val_tasks=100", "meta_lr=0.01", "hidden=[20]"
    )
    setup = Setup.build(config, CPU)
    state = setup.initial_state()
    before = setup.validate(state.theta).loss[-1].mean
    *_, validated, _ = meta_train(setup, state)
    assert validated.measurement.loss[-1].mean < 0.9 * before


def test_an_iteration_ends_after_its_validation(small):
    _, state, happenings = trained(small("sinusoid"))
    kinds = [type(happening) for happening in happenings]
    assert kinds == [Updated, Updated, Updated, Validated, Updated] * 3
    assert state.iteration == 12


@pytest.mark.parametrize("kind", ["sinusoid", "strokes"])
@pytest.mark.parametrize("stop_at", [1, 3, 4])
def test_n_and_m_iterations_equal_n_resume_m_bit_for_bit(small, kind, stop_at):
    config = small(kind)
    setup, undisturbed, _ = trained(config)
    first = setup.initial_state()
    for happening in meta_train(setup, first):
        if isinstance(happening, Updated) and first.iteration == stop_at:
            break
    again = Setup.build(config, CPU)
    resumed = restore(again.initial_state(), to_bytes(first, {}), {})
    assert resumed.iteration == stop_at
    list(meta_train(again, resumed))
    assert parameters_hash(resumed.theta) == parameters_hash(undisturbed.theta)
    assert (resumed.best, resumed.best_iteration, resumed.without_gain) == (
        undisturbed.best,
        undisturbed.best_iteration,
        undisturbed.without_gain,
    )


@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("kind", [("sinusoid",), ("sinusoid", "algorithm=pretrained"), ("strokes",)])
def test_a_validation_called_off_is_made_when_training_goes_on_bit_for_bit(small, kind, last):
    config = small(*kind)
    stop_at = config.training.iterations if last else config.training.eval_every

    def call_off(_tasks):
        if first.iteration == stop_at:
            raise InterruptedError

    setup, undisturbed, happenings = trained(config)
    first = setup.initial_state()
    with pytest.raises(InterruptedError):
        list(meta_train(setup, first, between=call_off))
    assert first.iteration == stop_at and first.best_iteration != stop_at
    again = Setup.build(config, CPU)
    resumed = restore(again.initial_state(), to_bytes(first, {}), {})
    validations = [happening for happening in meta_train(again, resumed) if isinstance(happening, Validated)]
    assert to_bytes(resumed, {}) == to_bytes(undisturbed, {})
    made = [happening.measurement for happening in happenings if isinstance(happening, Validated)]
    assert [validated.measurement for validated in validations] == made[-len(validations) :]
    assert len(validations) == (1 if last else len(made))


def test_a_checkpoint_from_before_validations_could_be_called_off(small):
    setup, state, _ = trained(small("sinusoid"))
    content = torch.load(io.BytesIO(to_bytes(state, {})), weights_only=True)
    del content["validation_due"]
    buffer = io.BytesIO()
    torch.save(content, buffer)
    restored = restore(setup.initial_state(), buffer.getvalue(), {})
    assert to_bytes(restored, {}) == to_bytes(state, {})


def test_another_seed_gives_other_parameters(small):
    hashes = {parameters_hash(trained(small("sinusoid", f"seed={seed}"))[1].theta) for seed in (0, 1)}
    assert len(hashes) == 2


def test_a_gradient_that_is_not_finite_is_skipped_and_counted(small):
    setup = Setup.build(small("sinusoid"), CPU)
    state = setup.initial_state()
    before = parameters_hash(state.theta)
    gradient = {name: torch.full_like(value, torch.nan) for name, value in state.theta.items()}
    assert not math.isfinite(update(state, gradient, clip=0.0))
    assert (state.skipped, state.skipped_in_a_row) == (1, 1)
    assert parameters_hash(state.theta) == before
    update(state, {name: torch.ones_like(value) for name, value in state.theta.items()}, clip=0.0)
    assert (state.skipped, state.skipped_in_a_row) == (1, 0)


def test_too_many_in_a_row_end_the_run_with_a_reason(small):
    setup = Setup.build(small("sinusoid", "inner_lr=100", "inner_steps=60"), CPU)
    state = setup.initial_state()
    with torch.no_grad():
        for value in state.theta.values():
            value.mul_(1000)
    with pytest.raises(DivergedError, match="lower inner_lr or meta_lr, or set grad_clip"):
        list(meta_train(setup, state))
    assert state.skipped_in_a_row == MAX_SKIPPED_IN_A_ROW


def test_clipping_bounds_every_element(small):
    setup = Setup.build(small("sinusoid"), CPU)
    state = setup.initial_state()
    gradient = {name: torch.full_like(value, 5.0) for name, value in state.theta.items()}
    norm = update(state, gradient, clip=2.0)
    count = sum(value.numel() for value in state.theta.values())
    assert norm == pytest.approx(5 * math.sqrt(count))
    assert all((value.grad == 2).all() for value in state.theta.values())


def test_adam_takes_the_first_step_of_size_meta_lr(small):
    setup = Setup.build(small("sinusoid", "meta_lr=0.01"), CPU)
    state = setup.initial_state()
    before = {name: value.clone() for name, value in state.theta.items()}
    update(state, {name: torch.ones_like(value) for name, value in state.theta.items()}, clip=0.0)
    for name, value in state.theta.items():
        torch.testing.assert_close(before[name] - value, torch.full_like(value, 0.01), rtol=1e-3, atol=0)


def test_patience_ends_training(small):
    _, state, _ = trained(small("sinusoid", "meta_lr=1e-30", "patience=2", "iterations=400"))
    # Parameters hardly move, so only the first validation can be the best.
    assert state.best_iteration == 4 and state.iteration == 12


def test_the_best_is_kept(small):
    setup = Setup.build(small("sinusoid"), CPU)
    state = setup.initial_state()
    measurement = setup.validate(state.theta)
    state.iteration = 5
    assert update_best(state, measurement) and state.best_iteration == 5
    assert not update_best(state, measurement), "a tie is no gain"
    assert state.without_gain == 1


def test_training_and_evaluation_tasks_differ(small):
    config = small("sinusoid", "eval_seed=0")
    setup = Setup.build(config, CPU)
    x = setup.episodes(0).support_x
    assert not torch.isin(x, setup.episodes(1).support_x).any()


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        (b"", "damaged or of another program"),
        (b"<html>not found</html>", "damaged or of another program"),
        (b"PK\x03\x04 torn", "damaged or of another program"),
    ],
)
def test_what_is_no_checkpoint_is_refused(small, payload, words):
    setup = Setup.build(small("sinusoid"), CPU)
    with pytest.raises(ResourceError, match=words):
        restore(setup.initial_state(), payload, {})


def test_a_checkpoint_that_would_run_code_is_refused(small, tmp_path):
    class Evil:
        def __reduce__(self):
            return (type(tmp_path).touch, (tmp_path / "ran",))

    buffer = io.BytesIO()
    torch.save({"format": "maml-tui checkpoint 2", "theta": Evil()}, buffer)
    setup = Setup.build(small("sinusoid"), CPU)
    with pytest.raises(ResourceError, match="damaged or of another program"):
        restore(setup.initial_state(), buffer.getvalue(), {})
    assert not (tmp_path / "ran").exists()


def test_a_checkpoint_of_something_else_is_refused(small):
    setup = Setup.build(small("sinusoid"), CPU)
    payload = to_bytes(setup.initial_state(), {})
    wider = Setup.build(small("sinusoid", "hidden=[9]"), CPU)
    with pytest.raises(ResourceError, match="another network"):
        restore(wider.initial_state(), payload, {})
    with pytest.raises(ResourceError, match="other data"):
        restore(setup.initial_state(), payload, {"data": "something else"})


def test_a_checkpoint_without_optimizer_is_refused(small):
    setup = Setup.build(small("sinusoid"), CPU)
    state = setup.initial_state()
    buffer = io.BytesIO()
    torch.save({"format": "maml-tui checkpoint 2", "theta": state.theta, "fingerprint": {}}, buffer)
    with pytest.raises(ResourceError, match="incomplete"):
        restore(state, buffer.getvalue(), {})
