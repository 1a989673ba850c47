"""Native code is for runs that are long enough and networks that it is made for, whatever the machine has to say."""

from __future__ import annotations

import pytest
import torch

from engine.acceleration import ways as choice
from engine.acceleration.native.library import Library, UnavailableError, library
from engine.evaluation.evaluator import protocol_for
from engine.tasks.sampling import Split
from engine.training.setup import Setup

CPU = torch.device("cpu")
LONG = ("filters=16", "iterations=1000000")


@pytest.fixture
def compiled(monkeypatch):
    """Return the list of requests for native code; there is none to be had."""
    asked = []

    def no_library(source):
        asked.append(source)
        raise UnavailableError("there is no C++ compiler here")

    monkeypatch.setattr(choice, "library", no_library)
    return asked


@pytest.mark.parametrize(
    ("kind", "overrides"),
    [
        ("strokes", ("filters=16", "iterations=60")),
        ("strokes", ("filters=12", "iterations=1000000")),
        ("strokes", (*LONG, "algorithm=prototypical")),
        ("sinusoid", ("iterations=60",)),
        ("sinusoid", ("iterations=1000000", "hidden=[300, 300]")),
    ],
)
def test_what_it_is_not_compiled_for(small, compiled, kind, overrides):
    path = Setup.build(small(kind, *overrides), CPU).way
    assert path.warnings == () and path.library is None
    assert not compiled


@pytest.mark.parametrize("algorithm", ["maml", "fomaml"])
@pytest.mark.parametrize(("kind", "overrides"), [("strokes", LONG), ("sinusoid", LONG[1:])])
def test_without_it_a_run_goes_by_hand_and_says_so(small, compiled, kind, overrides, algorithm):
    path = Setup.build(small(kind, *overrides, f"algorithm={algorithm}"), CPU).way
    assert path.name == "by-hand" and path.library is None
    assert path.warnings == ("the fast path native is not used: there is no C++ compiler here",)
    assert compiled == [{"strokes": "conv4", "sinusoid": "mlp"}[kind]]


@pytest.mark.parametrize("mode", ["transductive", "inductive"])
def test_a_long_run_takes_it_and_is_measured_by_it(small, monkeypatch, mode):
    try:
        code = library("conv4")
    except UnavailableError as error:
        pytest.skip(str(error))
    setup = Setup.build(small("strokes", *LONG, f"eval_mode={mode}"), CPU)
    assert (setup.way.name, setup.way.warnings) == ("native", ())
    assert setup.way.library is code
    steps, run = [], Library.run
    monkeypatch.setattr(Library, "run", lambda *args: steps.append(args[1]) or run(*args))
    theta = setup.initial_state().theta
    protocol = protocol_for(setup.config, Split.VAL, tasks=5, steps=2)
    measured = setup.measure_by(protocol, theta)
    assert ("gradient" in steps) == (mode == "transductive")
    monkeypatch.setitem(setup.__dict__, "way", setup.way.__class__("by-hand", setup.way.computation))
    torch.testing.assert_close(
        torch.tensor(measured.losses),
        torch.tensor(setup.measure_by(protocol, theta).losses),
        rtol=1e-3,
        atol=1e-4,
    )


def test_the_arithmetic_of_a_run_decides(small):
    config, twice = (small("strokes", f"iterations={n}") for n in (1000, 2000))
    model = Setup.build(config, CPU).learner.model
    operations = [choice._operations(one, model, (1, 28, 28)) for one in (config, twice)]
    assert operations[1] == pytest.approx(2 * operations[0])
