"""The networks of the paper: sizes, initialisation, batch statistics, no buffers."""

from __future__ import annotations

import pytest
import torch

from engine.config.presets import load_preset
from engine.config.resolve import override_layer, resolve
from engine.errors import UsageError
from engine.models.build import build_model
from engine.models.conv4 import BatchNorm


def config_of(preset: str, *overrides: str):
    return resolve([load_preset(preset).layer, override_layer(list(overrides))]).config


@pytest.mark.parametrize(
    ("preset", "shape", "parameters"),
    [
        ("sinusoid-10shot", (1,), 1 * 40 + 40 + 40 * 40 + 40 + 40 + 1),
        # 3x3 convolutions without bias, a shift per channel, and the linear layer with its bias.
        ("omniglot-5w1s", (1, 28, 28), 9 * (64 + 3 * 64 * 64) + 4 * 64 + 64 * 5 + 5),
        ("omniglot-20w5s", (1, 28, 28), 9 * (64 + 3 * 64 * 64) + 4 * 64 + 64 * 20 + 20),
        ("miniimagenet-5w1s", (3, 84, 84), 9 * (3 * 32 + 3 * 32 * 32) + 4 * 32 + 800 * 5 + 5),
    ],
)
def test_sizes_are_those_of_the_paper(preset, shape, parameters):
    config = config_of(preset)
    model = build_model(config, shape)
    assert sum(value.numel() for value in model.parameters()) == parameters
    assert not list(model.buffers()), "a buffer would leak from task to task"
    outputs = 1 if config.is_regression else config.task.ways
    assert model(torch.rand(7, *shape)).shape == (7, outputs)


def test_the_seed_decides_the_initialisation_and_nothing_else_does():
    torch.manual_seed(99)
    before = torch.random.get_rng_state()
    one = build_model(config_of("omniglot-5w1s", "seed=3"), (1, 28, 28)).state_dict()
    assert torch.equal(torch.random.get_rng_state(), before), "the process's own generator was touched"
    torch.manual_seed(5)
    two = build_model(config_of("omniglot-5w1s", "seed=3"), (1, 28, 28)).state_dict()
    three = build_model(config_of("omniglot-5w1s", "seed=4"), (1, 28, 28)).state_dict()
    assert all(torch.equal(one[name], two[name]) for name in one)
    assert not torch.equal(one["head.weight"], three["head.weight"])


def test_initial_values_are_those_of_the_paper():
    mlp = build_model(config_of("sinusoid-10shot", "hidden=[400,400]"), (1,)).state_dict()
    weight = mlp["layers.1.weight"]
    assert weight.abs().max() <= 0.02 and weight.std() == pytest.approx(0.01 * 0.88, rel=0.02)
    assert all((mlp[name] == 0).all() for name in mlp if name.endswith("bias"))
    stride = build_model(config_of("omniglot-20w1s"), (1, 28, 28)).state_dict()
    assert stride["head.weight"].std() == pytest.approx(1, rel=0.1) and (stride["head.bias"] == 0).all()
    bound = (6 / (9 * (64 + 64))) ** 0.5
    assert bound * 0.95 < stride["blocks.1.convolution.weight"].abs().max() <= bound


def test_batch_norm_is_the_librarys_with_batch_statistics():
    norm = BatchNorm(5)
    with torch.no_grad():
        norm.shift.normal_()
    x = torch.randn(6, 5, 4, 4) * 3 + 1
    expected = torch.nn.functional.batch_norm(x, None, None, None, norm.shift, training=True, eps=1e-3)
    torch.testing.assert_close(norm(x), expected)
    torch.testing.assert_close(norm.eval()(x), expected)


def test_pictures_that_do_not_suit_the_network_are_refused():
    with pytest.raises(UsageError, match="square pictures of 16 pixels or more, not 12x12"):
        build_model(config_of("miniimagenet-5w1s"), (3, 12, 12))
