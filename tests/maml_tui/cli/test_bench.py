"""`maml bench` shows rows, says what is wrong, and prints JSON."""

from __future__ import annotations

import json

import pytest

from engine.services.bench import race as race_module
from engine.services.bench.race import Row
from engine.services.messages import OURS, PEERS
from maml_tui.cli import bench

RAN = {
    "device": "a CPU",
    "cores": 2,
    "problem": "",
    "gigaflop": 1.0,
    "memory": 5_000_000,
    "share_of_peak": 0.5,
}


def row(contestant, order, median, difference=1e-15):
    return Row(
        contestant=contestant,
        order=order,
        path="by-hand" if contestant == OURS else "loop",
        difference=difference,
        wrong=difference > 1e-10,
        median=median,
        p10=median * 0.9,
        p90=median * 1.1,
        iterations_per_second=1 / median,
        tasks_per_second=8 / median,
        **RAN,
    )


@pytest.fixture
def asked(monkeypatch):
    """Answer every race with the same rows, and keep the questions."""
    questions = []

    def answer(asked, tasks, tell):
        questions.append(asked)
        absent = Row(
            contestant="higher", order=2, path="", device="", cores=0, problem="it is not here",
            difference=None, wrong=False, gigaflop=None,
        )  # fmt: skip
        return [row(OURS, 2, 0.010), row("autograd loop", 2, 0.040, 0.03), absent, row(OURS, 1, 0.005)]

    monkeypatch.setattr(race_module, "race", answer)
    return questions


def test_the_rows_of_a_preset(asked, capsys):
    bench.bench("smoke", ["queries=3"], peers=True, device="cpu")
    out = capsys.readouterr().out
    assert "smoke: 8 tasks, 1 inner steps" in out
    ours, loop = (
        line.split()
        for line in out.splitlines()
        if line.startswith(("maml-tui", "autograd")) and "second" in line
    )
    assert ours[-2:] == ["1.00", "1e-15"] and loop[-3:] == ["4.00", "3e-02", "WRONG"]
    assert "higher: it is not here" in out
    assert "First order takes 50% of the time of second order." in out
    (questions,) = asked
    assert [(q.contestant, q.order) for q in questions] == [
        (name, order) for order in (2, 1) for name in (OURS, *PEERS)
    ]
    assert all(q.config["task"]["queries"] == 3 for q in questions)


def test_four_workloads_without_a_preset(asked, capsys):
    bench.bench(None, None, peers=False, device="cpu", as_json=True)
    reports = json.loads(capsys.readouterr().out)
    assert [report["workload"] for report in reports] == list(bench.WORKLOADS)
    assert [len(questions) for questions in asked] == [2] * 4
    assert [questions[0].config["task"]["queries"] for questions in asked] == [1, 15, 15, 10]
    assert reports[0]["rows"][0]["median"] == 0.010
