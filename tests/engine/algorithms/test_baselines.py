"""The baselines: what each learns from, how it adapts, and where it stands against MAML."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
import torch

from engine.algorithms.pretrained import ClassLearner
from engine.algorithms.prototypical import PrototypeLearner
from engine.config.presets import load_preset
from engine.config.resolve import ConfigError, override_layer, resolve
from engine.evaluation.evaluator import STEP_SIZES, evaluate, protocol_for
from engine.models.build import adapted_names
from engine.tasks.episode import Episodes, EpisodeShape
from engine.tasks.images import LabelledImages
from engine.tasks.sampling import Split, Stream
from engine.training.loop import meta_train
from engine.training.setup import Setup

CPU = torch.device("cpu")

CURVES = ("iterations=2500", "hidden=[24,24]", "meta_batch_size=10", "meta_lr=0.005", "eval_every=0")
DRAWINGS = (
    *("iterations=150", "filters=8", "meta_batch_size=6", "meta_lr=0.01", "eval_every=0"),
    *("classes=100", "val_tasks=50"),
)


def setup_of(preset: str, algorithm: str, *overrides: str) -> Setup:
    layers = [load_preset(preset).layer, override_layer([f"algorithm={algorithm}", *overrides])]
    return Setup.build(resolve(layers).config, CPU)


@cache
def measured(preset: str, algorithm: str, *overrides: str):
    """Train and measure on 200 test tasks: `(protocol, scores [tasks, steps + 1])`."""
    setup = setup_of(preset, algorithm, *overrides)
    state = setup.initial_state()
    for _ in meta_train(setup, state):
        pass
    curves = setup.measure(state.theta, Split.TEST, tasks=200, steps=10)
    return curves.protocol, np.stack([curves.scores(step) for step in range(11)], axis=1)


def curves(algorithm: str):
    return measured("sinusoid-10shot", algorithm, *(CURVES if algorithm != "scratch" else CURVES[1:3]))


def drawings(algorithm: str):
    changes = DRAWINGS if algorithm != "scratch" else ("filters=8", "classes=100", "val_tasks=50")
    return measured("smoke", algorithm, "curve_steps=10", "rotations=true", *changes)


def test_on_sinusoids_maml_learns_in_one_step_what_pretraining_does_not():
    """Paper, figure 3; paired over the same tasks, so that few are enough."""
    (_, maml), (_, pretrained), (_, scratch) = map(curves, ("maml", "pretrained", "scratch"))
    gain = pretrained[:, 1] - maml[:, 1]
    assert gain.mean() > 4 * gain.std() / np.sqrt(len(gain)) > 0
    assert np.median(maml[:, 5]) < 0.7 * np.median(pretrained[:, 5])
    assert pretrained[:, 1].mean() < scratch[:, 1].mean()


def test_the_oracle_knows_the_curve_without_any_step():
    (_, maml), (protocol, oracle) = curves("maml"), curves("oracle")
    assert protocol.step_size == 0
    assert np.median(oracle[:, 0]) < 0.5 * np.median(maml[:, 1])
    assert np.median(oracle[:, 0]) < np.median(maml[:, 10])


def test_on_drawings_prototypes_beat_chance_and_scratch():
    (_, prototypes), (_, scratch), (_, pretrained) = map(drawings, ("prototypical", "scratch", "pretrained"))
    assert prototypes[:, 1].mean() > 0.6
    assert prototypes[:, 1].mean() > scratch[:, 3].mean() + 0.1
    assert pretrained[:, 3].mean() > scratch[:, 3].mean()
    assert (prototypes[:, 1:] == prototypes[:, 1:2]).all(), "there is one step, and no gradient in it"


def test_the_step_size_is_chosen_on_validation_tasks_and_recorded():
    chosen, _ = curves("pretrained")
    configured, _ = curves("maml")
    assert chosen.step_size in STEP_SIZES and configured.step_size is None


@pytest.mark.parametrize(("steps", "scored"), [(5, 5), (1, 1), (9, 5)])
def test_a_better_step_size_is_not_overlooked(steps, scored):
    setup = setup_of("sinusoid-10shot", "scratch", "hidden=[24,24]", "eval_steps=5")
    theta = setup.initial_state().theta
    usual = protocol_for(setup.config, Split.VAL, tasks=100, steps=steps)
    chosen = setup.step_size(theta, usual)
    means = {
        size: np.nan_to_num(
            evaluate(setup.learner, theta, setup.source, usual, size).scores(scored), nan=1e9
        ).mean()
        for size in STEP_SIZES
    }
    assert means[chosen] == min(means.values())


def test_scratch_is_measured_as_it_was_initialised():
    setup = setup_of("sinusoid-10shot", "scratch")
    state = setup.initial_state()
    before = {name: value.clone() for name, value in state.theta.items()}
    assert len(list(meta_train(setup, state))) == 1 and setup.config.training.iterations == 1
    assert all(torch.equal(value, before[name]) for name, value in state.theta.items())


def test_pretraining_descends_the_loss_of_all_points_of_the_meta_batch():
    setup = setup_of("sinusoid-10shot", "pretrained", "meta_batch_size=3", "queries=4")
    theta, episodes = setup.initial_state().theta, setup.episodes(0)
    gradient, metrics = setup.algorithm.meta_gradient(theta, episodes)
    x = torch.cat([episodes.support_x, episodes.query_x], dim=1).flatten(0, 1)
    y = torch.cat([episodes.support_y, episodes.query_y], dim=1).flatten(0, 1)
    assert len(x) == 3 * (10 + 4)
    loss = torch.func.grad(setup.learner.loss)(theta, x, y)
    for name, slope in loss.items():
        torch.testing.assert_close(gradient[name], slope)
    assert metrics.loss == pytest.approx(float(setup.learner.loss(theta, x, y)))


def test_pretraining_on_pictures_has_a_head_for_all_training_classes():
    setup = setup_of("smoke", "pretrained", "rotations=true")
    assert isinstance(setup.source, LabelledImages) and isinstance(setup.algorithm.learner, ClassLearner)
    theta = setup.initial_state().theta
    classes = 4 * len(setup.source.classes[Split.TRAIN])
    assert len(theta["classes.weight"]) == classes
    gradient, _ = setup.algorithm.meta_gradient(theta, setup.episodes(0))
    assert not gradient["head.weight"].any(), "the N-way head stays fresh"
    assert gradient["classes.weight"].any() and gradient["blocks.0.convolution.weight"].any()
    assert not {"classes.weight", "classes.bias"} & adapted_names(setup.learner.model)
    same = setup_of("smoke", "scratch", "rotations=true").initial_state().theta
    assert all(torch.equal(value, theta[name]) for name, value in same.items()), (
        "it starts where others start"
    )


def test_labels_are_of_the_class_and_of_its_turn():
    """The same label on two pictures if and only if they show the same class, turned alike."""
    source = setup_of("smoke", "pretrained", "rotations=true").source
    shape, stream, tasks = EpisodeShape(5, 1, 2), Stream(0, Split.TRAIN), torch.arange(60)
    episodes = source.sample(stream, tasks, shape)
    classes, turns = (
        source.task_classes(stream, tasks, 5),
        source._quarter_turns(stream, tasks, source.task_classes(stream, tasks, 5)),
    )
    names = {}
    for label, number, turn in zip(
        episodes.support_y.flatten(), classes.flatten(), turns.flatten(), strict=True
    ):
        assert names.setdefault(int(label), (int(number), int(turn))) == (int(number), int(turn))
    assert len(set(names.values())) == len(names) > 150
    assert torch.equal(episodes.query_y[:, ::2], episodes.support_y)
    plain = source.sample(Stream(0, Split.VAL), tasks, shape)
    assert torch.equal(plain.support_y[0], torch.arange(5)), "columns, where new tasks are learned"


def test_a_head_of_prototypes_gives_the_papers_probabilities():
    """Equation 2 of Snell et al.: softmax over negative squared distances."""
    setup = setup_of("smoke", "prototypical", "shots=3", "classes=100")
    learner, theta = setup.learner, setup.initial_state().theta
    assert isinstance(learner, PrototypeLearner)
    episodes = setup.episodes(0)
    support, query = (episodes.support_x[0], episodes.support_y[0]), episodes.query_x[0]
    before, after = learner.adapted_to(theta, support, 0.1, 1, 1)
    features = setup.learner.model.blocks  # the network's own road to its last layer
    z, c = (features(x).mean(dim=(2, 3)) for x in (query, support[0]))
    prototypes = c.reshape(5, 3, -1).mean(1)
    expected = -torch.cdist(z, prototypes).square()
    torch.testing.assert_close(
        learner.predict(after, query).softmax(-1), expected.softmax(-1), atol=1e-5, rtol=1e-4
    )
    assert all(torch.equal(before[name], theta[name]) for name in theta)


def test_the_gradient_of_prototypes_goes_through_the_support_set():
    """By finite differences in float64; the loss is the sum over 10 queries, the metric their mean."""
    setup = setup_of("smoke", "prototypical")
    algorithm = setup.algorithm
    theta = {name: value.double() for name, value in setup.initial_state().theta.items()}
    episodes = Episodes(
        *(part.double() if part.is_floating_point() else part for part in setup.episodes(0).tensors())
    )
    gradient, _ = algorithm.meta_gradient(theta, episodes)
    assert not gradient["head.weight"].any()
    name, size = "blocks.3.norm.shift", 1e-6
    ahead, behind = (
        algorithm.meta_gradient({**theta, name: theta[name] + sign * size}, episodes)[1].loss
        for sign in (1, -1)
    )
    assert gradient[name].sum().item() == pytest.approx(10 * float(ahead - behind) / (2 * size), rel=1e-5)


@pytest.mark.parametrize(
    ("preset", "overrides", "words"),
    [
        ("smoke", ["algorithm=oracle"], "algorithm = oracle does not fit data = strokes"),
        (
            "sinusoid-10shot",
            ["algorithm=prototypical"],
            "algorithm = prototypical does not fit data = sinusoid",
        ),
        (
            "smoke",
            ["algorithm=pretrained", "inner_lr=0.1"],
            "inner_lr has no effect here",
        ),
        ("smoke", ["algorithm=scratch", "iterations=5"], "iterations has no effect here"),
    ],
)
def test_what_cannot_be_combined_is_said(preset, overrides, words):
    with pytest.raises(ConfigError, match=words):
        resolve([load_preset(preset).layer, override_layer(overrides)])


def test_the_oracles_input_is_x_with_amplitude_and_phase():
    source = setup_of("sinusoid-10shot", "oracle").source
    stream, tasks = Stream(0, Split.TEST), torch.arange(4)
    episodes, (amplitude, phase) = (
        source.sample(stream, tasks, EpisodeShape(1, 5, 5)),
        source.curves(stream, tasks),
    )
    x, a, p = episodes.support_x.double().unbind(-1)
    torch.testing.assert_close(a, amplitude[:, None].expand_as(a), rtol=1e-6, atol=0)
    torch.testing.assert_close(p, phase[:, None].expand_as(p), rtol=1e-6, atol=1e-7)
    torch.testing.assert_close(episodes.support_y[..., 0].double(), a * torch.sin(x - p), rtol=0, atol=1e-5)
