"""A network of a person's own is tried before a run is made of it: what cannot work is told, and why."""

from __future__ import annotations

import sys

import pytest
import torch

from engine.acceleration.ways import small_problem
from engine.config.own_code import use_search_path
from engine.config.record import RunRecord
from engine.config.resolve import ResolvedConfig
from engine.errors import UsageError
from engine.services.messages import PreflightReport, PreflightRequest
from engine.services.preflight import answer, check_network
from engine.training.loop import meta_train
from engine.training.setup import Setup

CODE = """
import torch
from torch import nn

class Good(nn.Module):
    def __init__(self, input_shape, outputs, hidden=8):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(input_shape[0], hidden), nn.Tanh(), nn.Linear(hidden, outputs))
    def forward(self, x):
        return self.body(x)

class Fourier(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("waves", torch.randn(1, 8))
        self.register_buffer("order", torch.arange(8))
        self.line = nn.Linear(8, 1)
    def forward(self, x):
        return self.line(torch.sin(x @ self.waves)[:, self.order])

class Base(nn.Module):
    def __init__(self):
        super().__init__()
        self.line = nn.Linear(1, 1)

class NoParameters(nn.Module):
    def forward(self, x):
        return x

class TwoOutputs(Base):
    def forward(self, x):
        return self.line(x).expand(-1, 2)

class Normed(Base):
    def __init__(self):
        super().__init__()
        self.norm = nn.BatchNorm1d(1)
    def forward(self, x):
        return self.norm(self.line(x))

class Untracked(Base):
    def __init__(self):
        super().__init__()
        self.norm = nn.BatchNorm1d(1, track_running_stats=False)
    def forward(self, x):
        return self.norm(self.line(x))

class Dropping(Base):
    def forward(self, x):
        return nn.functional.dropout(self.line(x))

class Detached(Base):
    def forward(self, x):
        return self.line(x).detach()

class Branching(Base):
    def forward(self, x):
        y = self.line(x)
        return y if y.sum().item() > 0 else -y

class Tuples(Base):
    def forward(self, x):
        return self.line(x), x

class Failing(Base):
    def forward(self, x):
        return self.line(x[:, :0])

class Once(torch.autograd.Function):
    @staticmethod
    def forward(x):
        return x.square()
    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(*inputs)
    generate_vmap_rule = True
    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, slope):
        return 2 * ctx.saved_tensors[0] * slope

class OnlyOnce(Base):
    def forward(self, x):
        return Once.apply(self.line(x))

class Needy(Base):
    def __init__(self, depth, *rest, **others):
        super().__init__()

class Failed(Base):
    def __init__(self):
        super().__init__()
        self.missing

class NoModule:
    pass
"""


@pytest.fixture(autouse=True)
def own_nets(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", [*sys.path])
    (tmp_path / "own_nets.py").write_text(CODE)
    use_search_path([str(tmp_path)])
    yield
    sys.modules.pop("own_nets", None)


@pytest.fixture
def setup(small):
    """`setup(name, *overrides)`: a sinusoid run with that network."""

    def build(name, *overrides):
        own = ("network=custom", f"model_class='own_nets:{name}'")
        usual = ("meta_batch_size=2", "iterations=2", "eval_every=0")
        config = small("sinusoid", *own, *usual, *overrides).model_copy()
        return Setup.build(config, torch.device("cpu"))

    return build


@pytest.fixture
def small():
    from engine.config.presets import load_preset
    from engine.config.resolve import override_layer, resolve

    def build(kind, *overrides):
        return resolve([load_preset("sinusoid-10shot").layer, override_layer(list(overrides))]).config

    return build


@pytest.mark.parametrize("name", ["Good", "Untracked", "Fourier"])
@pytest.mark.parametrize("algorithm", ["maml", "fomaml"])
def test_what_can_work_passes_and_trains(setup, name, algorithm):
    ready = setup(name, f"algorithm={algorithm}")
    check_network(ready)
    state = ready.initial_state()
    before = {key: value.clone() for key, value in state.theta.items()}
    assert len(list(meta_train(ready, state))) == 2
    assert any(not torch.equal(before[key], value) for key, value in state.theta.items())


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("NoParameters", "has no parameters"),
        ("TwoOutputs", r"gives outputs of shape \[10, 2\] where \[10, 1\] is needed"),
        ("Normed", "changes its buffer norm.running_mean .* leak .* let norm keep no running statistics"),
        ("Dropping", "another output for the same input, as dropout does"),
        ("Detached", "no parameter gets a gradient"),
        ("Branching", "cannot be differentiated|cannot be batched over tasks"),
        ("Tuples", "gives a tuple where a tensor is needed"),
        ("Failing", r"fails on inputs of shape \[10, 1\]: RuntimeError"),
        ("OnlyOnce", "cannot be differentiated twice, which maml needs"),
        ("Needy", "its __init__ needs depth, but is given input_shape and outputs only"),
        ("Failed", r"own_nets:Failed cannot be made: AttributeError: .* \(.*, line"),
        ("NoModule", "must subclass torch.nn.Module"),
        ("Goood", r"has no class Goood \(did you mean Good\?\)"),
    ],
)
def test_what_cannot_work_is_told_in_one_sentence(setup, name, expected):
    with pytest.raises(UsageError, match=expected) as caught:
        check_network(setup(name))
    assert "\n" not in str(caught.value)


def test_buffers_go_where_the_parameters_are(setup):
    ready = setup("Fourier")
    assert (ready.way.name, ready.way.warnings) == ("vmap", ())
    small, theta, episodes = small_problem(ready.algorithm, ready.source)
    assert small.learner.predict(theta, episodes.support_x[0]).dtype == torch.float64
    nowhere = torch.device("meta")
    theta = {name: value.to(nowhere) for name, value in ready.initial_state().theta.items()}
    found = ready.learner.to(nowhere).predict(theta, torch.ones(3, 1, device=nowhere))
    assert (found.device, found.shape) == (nowhere, (3, 1))


def test_what_cannot_be_differentiated_twice_may_do_for_first_order(setup):
    check_network(setup("OnlyOnce", "algorithm=fomaml"))


def test_a_configuration_is_answered_and_a_task_class_told(small, tmp_path):
    config = small("sinusoid", "network=custom", "model_class='own_nets:Good'")
    text = RunRecord(ResolvedConfig(config), "x", "cpu").to_toml("x")
    path = (str(tmp_path),)
    assert answer(PreflightRequest(search_path=path, config=text)) == PreflightReport(data="sinusoid")
    with pytest.raises(UsageError, match="leak"):
        answer(PreflightRequest(search_path=path, config=text.replace("Good", "Normed")))
    with pytest.raises(UsageError, match="own_nets:Good has no kind"):
        answer(PreflightRequest(search_path=path, task_class="own_nets:Good"))
