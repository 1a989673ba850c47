"""Native code gives the reference's meta-gradient, and whatever keeps it from being there is told in one line."""

from __future__ import annotations

import shutil
import stat

import pytest
import torch

from engine.acceleration.by_hand import by_hand
from engine.acceleration.native import choice
from engine.acceleration.native import library as native
from engine.acceleration.native.library import UnavailableError, library
from engine.acceleration.paths import TOLERANCE, choose_path, relative_difference
from engine.algorithms.learner import Learner
from engine.algorithms.maml import FOMAML, MAML
from engine.models.build import adapted_names
from engine.models.conv4 import Conv4Pool, Conv4Stride
from engine.tasks.episode import Episodes
from engine.training import Setup

pytestmark = pytest.mark.skipif(
    not any(map(shutil.which, native._COMPILERS)), reason="there is no C++ compiler here"
)

NETWORKS = {
    "stride": (lambda: Conv4Stride(1, 32, 3), (1, 20, 20), None),
    "stride, paper, odd": (lambda: Conv4Stride(2, 32, 3), (2, 21, 21), 2),
    "stride, as in the paper": (lambda: Conv4Stride(1, 64, 3), (1, 28, 28), 2),
    "pool": (lambda: Conv4Pool(3, 19, 32, 3), (3, 19, 19), 2),
    "pool, even": (lambda: Conv4Pool(1, 34, 32, 3), (1, 34, 34), None),
}


@pytest.fixture(scope="module")
def cached(tmp_path_factory):
    """A cache directory of this file's own, so that the code is compiled once."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def code(cached, monkeypatch):
    monkeypatch.setenv("MAML_CACHE_DIR", str(cached))
    library.cache_clear()
    yield library()
    library.cache_clear()


@pytest.fixture(params=NETWORKS)
def problem(request):
    """A learner, its parameters and three tasks of six support and nine query examples, in float64."""
    build, shape, divisor = NETWORKS[request.param]
    generator = torch.Generator().manual_seed(0)

    def normal(*size):
        return torch.randn(*size, generator=generator, dtype=torch.float64)

    model = build().double()
    theta = {name: value.detach() + 0.1 * normal(*value.shape) for name, value in model.named_parameters()}
    parts = []
    for examples in (6, 9):
        parts += [normal(3, examples, *shape), torch.arange(3).repeat(examples // 3).expand(3, -1)]
    return Learner(model, adapted_names(model), False, divisor), theta, Episodes(*parts)


@pytest.mark.parametrize("order", [MAML, FOMAML])
@pytest.mark.parametrize(
    ("steps", "chunk", "recompute"), [(1, 0, False), (5, 0, False), (5, 2, True), (0, 1, False)]
)
def test_it_is_the_reference(problem, code, order, steps, chunk, recompute):
    learner, theta, episodes = problem
    algorithm = order(learner, 0.05, steps)
    expected, metrics = algorithm.meta_gradient(theta, episodes)
    way = by_hand(algorithm, chunk, recompute=recompute, library=code)
    for _ in range(2):  # the second time in memory that was used before
        found, measured = way.meta_gradient(theta, episodes)
        assert relative_difference(found, expected) <= TOLERANCE
        for name, value in expected.items():
            assert found[name].shape == value.shape and found[name].is_contiguous()
        torch.testing.assert_close(measured.loss, metrics.loss)
        torch.testing.assert_close(measured.accuracy, metrics.accuracy)


def test_the_same_bits_every_time(problem, code):
    learner, theta, episodes = problem
    theta = {name: value.float() for name, value in theta.items()}
    episodes = Episodes(*(p.float() if p.is_floating_point() else p for p in episodes.tensors()))
    for chunk in (0, 1):
        way = by_hand(MAML(learner, 0.05, 2), chunk, recompute=False, library=code)
        gradients = [way.meta_gradient(theta, episodes)[0] for _ in range(3)]
        assert all(torch.equal(gradients[0][n], other[n]) for other in gradients[1:] for n in theta)


def test_what_is_not_finite_stays_so(problem, code):
    learner, theta, episodes = problem
    episodes.support_x[0, 0, 0, 0, 0] = torch.nan
    found, metrics = by_hand(MAML(learner, 0.05, 1), 0, recompute=False, library=code).meta_gradient(
        theta, episodes
    )
    assert not metrics.loss.isfinite()
    assert not torch.cat([value.flatten() for value in found.values()]).isfinite().all()


@pytest.fixture
def long_run(small):
    """A run whose network and length are worth compiling for."""
    return Setup.build(small("strokes", "filters=32", "iterations=100000"), torch.device("cpu"))


def test_long_runs_take_it_and_short_ones_do_not(long_run, small):
    assert long_run.path.name == "native"
    assert Setup.build(small("strokes", "filters=32"), torch.device("cpu")).path.name == "by-hand"
    assert (
        Setup.build(small("strokes", "filters=3", "iterations=10000000"), torch.device("cpu")).path.name
        == "by-hand"
    )


@pytest.mark.parametrize("missing", [True, False], ids=["no compiler", "a compiler that fails"])
def test_without_a_compiler_the_next_way_is_taken_and_said_so(long_run, tmp_path, monkeypatch, missing):
    monkeypatch.setenv("MAML_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(native, "_COMPILERS", ("no-such-compiler", "nor-this") if missing else ("false",))
    library.cache_clear()
    path = choose_path(long_run.config, long_run.algorithm, long_run.source)
    assert path.name == "by-hand"
    (warning,) = path.warnings
    assert warning.startswith("the fast path native is not used: ")
    assert "\n" not in warning


def test_a_cache_that_is_no_folder_is_told(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("MAML_CACHE_DIR", str(tmp_path / "file"))
    library.cache_clear()
    with pytest.raises(UnavailableError):
        library()


def test_what_is_kept_is_private_and_a_spoiled_file_is_made_anew(tmp_path, cached, monkeypatch):
    (kept,) = (cached / "native").glob("*.so")
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert stat.S_IMODE(kept.parent.stat().st_mode) == 0o700
    monkeypatch.setenv("MAML_CACHE_DIR", str(tmp_path))
    spoiled = tmp_path / "native" / kept.name
    spoiled.parent.mkdir(mode=0o700)
    spoiled.write_bytes(kept.read_bytes()[:1000])
    library.cache_clear()
    assert library().vector_bytes > 0
    assert spoiled.stat().st_size == kept.stat().st_size


def test_the_arithmetic_of_a_run_decides(small):
    config = small("strokes", "filters=32", "iterations=1000")
    model = Setup.build(config, torch.device("cpu")).learner.model
    once = choice._operations(config, model, (1, 28, 28))
    twice = choice._operations(small("strokes", "filters=32", "iterations=2000"), model, (1, 28, 28))
    assert twice == pytest.approx(2 * once)
