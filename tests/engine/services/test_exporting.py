"""An exported file holds the parameters bit by bit, what is known of them, and nothing of the machine."""

from __future__ import annotations

import math
import subprocess
import sys

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from engine.errors import ResourceError, UsageError
from engine.paths import assets_dir
from engine.runs.result import Measured, Result, write_result
from engine.services.apply import answer
from engine.services.apply_messages import AdaptRequest, ExportRequest, Origin
from engine.services.initialisation import Initialisation
from engine.tasks.sampling import Split
from engine.training.checkpoint import parameters_hash


@pytest.fixture
def exported(trained, tmp_path):
    """`exported(kind, *overrides, with_paths=False)` -> (trained, file, facts)."""

    def make(kind, *overrides, with_paths=False):
        there, file = trained(kind, *overrides), tmp_path / "model.safetensors"
        job = ExportRequest(origin=there.origin, file=str(file), with_paths=with_paths, force=True)
        return there, file, answer(job).facts

    return make


@pytest.mark.parametrize("kind", ["sinusoid", "strokes"])
def test_parameters_come_back_bit_by_bit(exported, kind):
    there, file, facts = exported(kind)
    back = Initialisation.load(Origin(file=str(file)))
    assert all(torch.equal(back.theta[name], value) for name, value in there.state.theta.items())
    assert back.config == there.setup.config and back.facts == facts
    assert facts.sha256 == parameters_hash(there.state.theta)
    assert facts.fingerprint == {} and facts.iteration == 2 and facts.checkpoint == "best"
    assert back.form == Initialisation.load(there.origin).form


def test_a_file_adapts_as_its_run_does(exported, tmp_path):
    there, file, _ = exported("sinusoid")
    (tmp_path / "points.csv").write_text("1,2\n-1,3\n")
    jobs = [
        AdaptRequest(origin=o, support=str(tmp_path / "points.csv"))
        for o in (there.origin, Origin(file=str(file)))
    ]
    assert answer(jobs[0]) == answer(jobs[1])


@pytest.mark.parametrize("with_paths", [False, True])
def test_the_machine_is_told_of_only_on_request(exported, with_paths):
    there, file, facts = exported("sinusoid", with_paths=with_paths)
    content = file.read_bytes()
    assert (b"/home/me" in content) == (str(there.run.path).encode() in content) == with_paths
    assert facts.place.get("folder") == (str(there.run.path) if with_paths else None)


def test_only_measurements_of_these_very_parameters_go_along(trained):
    there = trained("sinusoid")
    measurement = there.setup.measure(there.state.theta, Split.TEST, tasks=2, steps=1).summarise()
    measured = [
        Measured(checkpoint=checkpoint, iteration=iteration, measurement=measurement)
        for checkpoint, iteration in (("best", 1), ("last", 2))
    ]
    usual = {"name": "x", "state": "done", "iterations": 2, "seconds": 1, "parameters_sha256": "0"}
    write_result(there.run.result, Result(run="x", measurements=measured, **usual))
    assert Initialisation.load(there.origin).facts.measurements == ()  # the best ones measured were others
    latest = Origin(run=str(there.run.path), checkpoint="latest")
    assert Initialisation.load(latest).facts.measurements == (measured[1],)


def test_numbers_that_are_not_finite_survive(trained, tmp_path):
    there = trained("sinusoid")
    measurement = there.setup.measure(there.state.theta, Split.TEST, tasks=2, steps=1).summarise()
    broken = measurement.loss[0].model_copy(update={"mean": math.nan})
    measurement = measurement.model_copy(update={"loss": (broken, measurement.loss[1])})
    best = Measured(checkpoint="best", iteration=2, measurement=measurement)
    usual = {"name": "x", "state": "done", "iterations": 2, "seconds": 1, "parameters_sha256": "0"}
    write_result(there.run.result, Result(run="x", measurements=[best], **usual))
    file = str(tmp_path / "m.safetensors")
    answer(ExportRequest(origin=there.origin, file=file))
    (back,) = Initialisation.load(Origin(file=file)).facts.measurements
    assert math.isnan(back.measurement.loss[0].mean)


def test_a_file_is_not_replaced_unasked(exported):
    there, file, _ = exported("sinusoid")
    before = file.read_bytes()
    with pytest.raises(UsageError, match="add --force"):
        answer(ExportRequest(origin=there.origin, file=str(file)))
    assert file.read_bytes() == before


def test_a_file_that_is_none_of_ours_is_told(exported, tmp_path):
    _, file, _ = exported("sinusoid")
    with safe_open(file, "pt") as found:
        metadata = found.metadata()
    other = tmp_path / "other.safetensors"
    cases = (
        (lambda: other.write_bytes(b"torn"), "not a whole safetensors file"),
        (lambda: save_file({"x": torch.zeros(2)}, other), "was not written by `maml export`"),
        (lambda: save_file({"x": torch.zeros(2)}, other, metadata), "not those of the network"),
        (lambda: save_file({"x": torch.zeros(2)}, other, metadata | {"iteration": "x"}), "damaged metadata"),
        (other.unlink, "other.safetensors"),
    )
    for make, expected in cases:
        make()
        with pytest.raises(ResourceError, match=expected):
            Initialisation.load(Origin(file=str(other)))


@pytest.mark.parametrize(
    "file", sorted((assets_dir() / "initialisations").glob("*.safetensors")), ids=lambda p: p.stem
)
def test_shipped_initialisations_are_what_their_cards_say(file):
    back = Initialisation.load(Origin(file=str(file)))
    assert parameters_hash(back.theta) == back.facts.sha256
    assert back.facts.sha256 in file.with_suffix(".md").read_text(encoding="utf-8")
    assert back.facts.name == file.stem and back.facts.measurements and not back.facts.place


def test_the_shipped_sinusoid_learns_a_curve_from_ten_points(tmp_path):
    for name, points in (("support", range(10)), ("query", range(31))):
        x = [-5 + 10 * point / (len(points) - 1) for point in points]
        (tmp_path / f"{name}.csv").write_text("".join(f"{at},{4 * math.sin(at - 1)}\n" for at in x))
    job = AdaptRequest(
        origin=Origin(file=str(assets_dir() / "initialisations" / "sinusoid-10shot.safetensors")),
        support=str(tmp_path / "support.csv"),
        queries=(str(tmp_path / "query.csv"),),
    )
    before, after = (answer(job.model_copy(update={"steps": steps})) for steps in (0, 10))
    error = [math.fsum((v.y - v.actual) ** 2 for v in report.values) / 31 for report in (before, after)]
    assert error[1] < 0.5 < 1 < error[0]


def test_the_process_loads_nothing_of_the_interface(trained, tmp_path):
    script = "import sys, engine.services.apply; sys.exit(' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert not set(done.stderr.split()) & {"textual", "rich", "typer", "maml_tui", "torchvision"}
