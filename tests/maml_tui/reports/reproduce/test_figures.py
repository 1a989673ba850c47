from __future__ import annotations

import sys

import numpy as np
import pytest

from engine.config.presets import load_preset
from engine.errors import ResourceError
from engine.runs.directory import RunDirectory
from engine.runs.events import AtStep, Measurement, Protocol
from engine.runs.result import Measured
from engine.services import client as client_module
from engine.services.explore_messages import EXPLORE, CurveAnswer
from engine.services.service import Answered
from maml_tui.plotting.figure_files import to_png, to_svg
from maml_tui.reports.reproduce.cells import Cell
from maml_tui.reports.reproduce.figures import adapted_curves, curves_plot, error_plot


def cell(means):
    config = load_preset("sinusoid-10shot").resolved().config
    series = tuple(AtStep(step=step, mean=mean, ci95=0.5, median=1) for step, mean in enumerate(means))
    protocol = Protocol(split="test", tasks=600, shots=10, queries=10, steps=len(means) - 1, seed=1)
    found = Measurement(metric="mse", protocol=protocol, loss=series)
    return Cell(config, 10, (Measured(checkpoint="best", iteration=1, measurement=found),))


def answer(steps=10):
    x = tuple(np.linspace(-5, 5, 20).tolist())
    return CurveAnswer(
        iteration=3,
        loss=(1.0,) * (steps + 1),
        amplitude=4.0,
        phase=1.0,
        support_x=(-1.0, 2.0),
        support_y=(-3.9, 3.4),
        x=x,
        truth=tuple(np.sin(x)),
        predictions=tuple((float(step),) * 20 for step in range(steps + 1)),
    )


def test_errors_have_bands_and_a_diverged_one_does_not_flatten_the_rest():
    plot = error_plot([cell([4.0, 0.6, 0.4]), cell([3.0, 2.5, 1e6])])
    assert [one.slot for one in plot.series] == [0, 1]
    np.testing.assert_allclose(plot.series[0].band, [[3.5, 0.1, -0.1], [4.5, 1.1, 0.9]])
    assert plot.y_range == (0.0, 5.0)
    assert "sinusoid 10-shot" in to_svg(plot) and to_png(plot)[:4] == b"\x89PNG"


def test_curves_before_and_after_one_and_ten_steps():
    plot = curves_plot(answer(), "maml")
    assert [one.label for one in plot.by_letter] == ["truth", "K = 2", "before", "after 1", "after 10"]
    values = {one.label: one.y[0] for one in plot.series}
    assert (values["before"], values["after 1"], values["after 10"]) == (0, 1, 10)
    assert plot.title == "maml, K = 2: y = 4 sin(x - 1)"


@pytest.fixture
def process(tmp_path, monkeypatch):
    """Return `process(*replies)`: a process that gives these lines in answer; it keeps its questions in a file."""

    def use(*replies):
        program = (
            "import sys\n"
            f"for reply, line in zip({replies!r}, sys.stdin.buffer):\n"
            f"    open({str(tmp_path / 'asked')!r}, 'ab').write(line)\n"
            "    print(reply, flush=True)"
        )
        monkeypatch.setattr(client_module, "command", lambda service: [sys.executable, "-c", program])

    return use


def test_each_number_of_points_is_a_question(tmp_path, process):
    process(*(EXPLORE.answer_line(Answered(id=n, result=answer())).decode().strip() for n in (1, 2)))
    assert adapted_curves(RunDirectory(tmp_path), (5, 10), {}) == [answer(), answer()]
    asked = [EXPLORE.read_question(line).question for line in (tmp_path / "asked").read_bytes().splitlines()]
    assert [(one.run, one.shots, one.steps, one.split, one.checkpoint) for one in asked] == [
        (str(tmp_path), 5, 10, "test", "latest"),
        (str(tmp_path), 10, 10, "test", "latest"),
    ]


def test_what_went_wrong_is_told(tmp_path, process):
    process('{"id": 1, "failure": {"sentence": "it is damaged", "exit_code": 3}}')
    with pytest.raises(ResourceError, match="it is damaged"):
        adapted_curves(RunDirectory(tmp_path), (5,), {})
