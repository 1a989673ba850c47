"""What a run would cost: the same update as in training, timed by a clock that is passed in."""

from __future__ import annotations

import itertools

import pytest
import torch

from engine.acceleration import ways as choice
from engine.config.toml import config_tables
from engine.errors import DivergedError, ResourceError, UsageError
from engine.paths import state_dir
from engine.services import estimate as estimating
from engine.services.client import ask
from engine.services.estimate import HANDLER, answer, estimate
from engine.services.messages import ESTIMATE, EstimateRequest
from engine.services.server import reply
from engine.training.checkpoint import to_bytes
from engine.training.setup import Setup

CPU = torch.device("cpu")


def ticking(seconds):
    """Return a clock that goes on by `seconds` whenever it is looked at."""
    return itertools.count(0, seconds).__next__


def question(config, device="cpu"):
    return EstimateRequest(config=config_tables(config), device=device)


@pytest.fixture
def hurried(monkeypatch):
    """Measure no longer than two iterations take."""
    for name in ("_WARM_UP_SECONDS", "_TRAINING_SECONDS", "_VALIDATION_SECONDS"):
        monkeypatch.setattr(estimating, name, 0.0)


def test_the_whole_run_is_counted_validations_and_test_included(small):
    config = small("sinusoid", "iterations=100", "eval_every=40", "val_tasks=6", "eval_tasks=60")
    costs = estimate(config, CPU, ticking(0.25))
    assert costs.iterations_per_second == costs.iterations_per_second_p90 == 4
    # The clock is looked at before and after a validation: on 2 tasks it is too short, then it is on all 6.
    per_task_step = 0.25 / (6 * 3)
    steps = 2 * 6 * 3 + 2 * 60 * 4
    assert costs.seconds == pytest.approx(100 * 0.25 + steps * per_task_step)


def test_it_tells_the_size_of_what_is_trained(small):
    config = small("strokes")
    costs = estimate(config, CPU, ticking(1.0))
    setup = Setup.build(config, CPU)
    assert costs.parameters == sum(value.numel() for value in setup.initial_state().theta.values())
    assert costs.checkpoint_bytes > len(to_bytes(setup.initial_state(), {})), "Adam's moments are in it"
    assert 0 < costs.memory_peak < costs.memory_total
    assert (costs.device, bool(costs.device_name)) == ("cpu", True)


def test_what_is_slow_is_done_no_more_than_needed(small, monkeypatch):
    validated = []
    validate = Setup.validate

    def watched(self, theta):
        validated.append(self.config.evaluation.val_tasks)
        return validate(self, theta)

    monkeypatch.setattr(Setup, "validate", watched)
    costs = estimate(small("sinusoid", "val_tasks=600"), CPU, ticking(100.0))
    assert costs.iterations_per_second == 1 / 100
    assert validated == [2]


def test_the_process_answers_and_leaves_no_run(small):
    costs = ask(ESTIMATE, question(small("sinusoid")))
    assert costs.iterations_per_second > 0 and costs.device == "cpu"
    assert not state_dir().exists()


@pytest.mark.parametrize(
    ("kind", "overrides", "device", "error", "words"),
    [
        ("strokes", ("data=omniglot",), "cpu", ResourceError, "maml data get omniglot"),
        ("sinusoid", (), "cuda:99", ResourceError, "is not on this machine"),
        ("sinusoid", (), "toaster", UsageError, "is not a device"),
        ("sinusoid", ("inner_lr=100", "inner_steps=60"), "cpu", DivergedError, "were not finite"),
        ("strokes", ("shots=15", "queries=6"), "cpu", UsageError, "= 21 pictures of a class"),
    ],
)
def test_what_cannot_be_measured_is_told_in_one_sentence(small, kind, overrides, device, error, words):
    with pytest.raises(error, match=words) as caught:
        answer(question(small(kind, *overrides), device))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("failure", [MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate")])
def test_running_out_of_memory_says_what_to_lower(small, monkeypatch, failure):
    def build(config, device):
        raise failure

    monkeypatch.setattr(Setup, "build", build)
    line = ESTIMATE.ask_line(1, question(small("sinusoid")))
    failure = ESTIMATE.read_answer(reply(lambda: HANDLER, line)).failure
    assert failure.exit_code == 3 and "task_chunk = 1" in failure.sentence


def test_a_configuration_with_an_unknown_key():
    with pytest.raises(UsageError, match=r"task\.wayss"):
        answer(EstimateRequest(config={"task": {"wayss": 3}}))


@pytest.mark.parametrize(
    ("kind", "algorithm"),
    [("sinusoid", "oracle"), ("strokes", "pretrained"), ("strokes", "scratch"), ("strokes", "prototypical")],
)
def test_baselines_are_measured_too(small, hurried, kind, algorithm):
    config = small(kind)
    chosen = config.algorithm.model_copy(update={"algorithm": algorithm})
    costs = estimate(config.model_copy(update={"algorithm": chosen}), CPU)
    assert costs.seconds > 0 and costs.iterations_per_second > 0


def test_what_is_measured_is_the_way_that_the_run_will_take(small, hurried, monkeypatch):
    """A short run is not worth compiling native code for, however long it is measured."""
    monkeypatch.setattr(choice, "library", lambda source: pytest.fail(f"{source} was asked for"))
    assert estimate(small("sinusoid", "iterations=100", "eval_every=0"), CPU).iterations_per_second > 0
