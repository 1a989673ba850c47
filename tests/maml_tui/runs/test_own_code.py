"""The worked example of a network and of tasks of one's own: from the command line to a trained run."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.config.record import read_record
from engine.errors import UsageError
from engine.services.client import NoAnswerError
from engine.services.messages import PREFLIGHT
from maml_tui.cli import run as run_command_line
from maml_tui.runs.new_run import Request, create, data_of

EXAMPLE = """
import torch
from torch import nn

class Net(nn.Module):  # [examples, *input_shape] -> [examples, outputs]
    def __init__(self, input_shape, outputs):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(input_shape[0], 32), nn.Tanh(), nn.Linear(32, outputs))

    def forward(self, x):
        return self.body(x)

class Lines:  # y = a x
    kind = "regression"
    input_shape = (1,)

    def task(self, generator, split, examples):
        x = torch.randn(examples, 1, generator=generator)
        return x, x * torch.randn(1, generator=generator)
"""


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.delenv("PYTHONPATH", raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(EXAMPLE)
    return tmp_path


def test_the_example_trains(capsys, here):
    options = ("-s", "iterations=2", "-s", "val_tasks=2", "-s", "eval_tasks=2", "--device", "cpu", "--plain")
    code = run_command_line(["train", "--tasks", "mine:Lines", "--model", "mine:Net", *options])
    out, err = capsys.readouterr()
    assert code == 0, err
    assert f"running your own code: mine:Lines, looked for in {here}" in err
    assert "Lines-maml" in err and "mse" in out
    (run,) = (here / "state" / "runs").iterdir()
    record = read_record(run / "config.toml")
    assert record.search_path == (str(here),) and "tasks" in record.fingerprint


CHATTY = """
import os, sys
import torch
from torch import nn

print("{}")
if os.fork() == 0:
    os._exit(0)

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        print("made")
        os.write(1, b"{}\\n")
        self.line = nn.Linear(1, 1)

    def forward(self, x):
        print("x" * 1000)
        sys.stdout = None
        return self.line(x)
"""


def test_code_that_writes_to_stdout_disturbs_nothing(capsys, here):
    (here / "chatty.py").write_text(CHATTY)
    (here / "points.csv").write_text("1,2\n2,4\n")
    options = ("-s", "iterations=1", "-s", "val_tasks=2", "-s", "eval_tasks=2", "--device", "cpu", "--plain")
    for arguments in (
        ["train", "sinusoid-10shot", "--model", "chatty:Net", *options],
        ["eval", "@last", "--tasks", "2", "--json"],
        ["adapt", "@last", "--support", "points.csv", "--csv"],
        ["export", "@last", "--what", "model", "-o", "net.safetensors"],
    ):
        assert run_command_line(arguments) == 0, capsys.readouterr().err
    assert "xxx" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("import sys; sys.exit(0)", r"sys\.exit\(0\).*quitting.py, line 1"),
        (
            "import argparse; argparse.ArgumentParser().parse_args(['--x'])",
            r"sys\.exit\(2\).*quitting.py, line 1",
        ),
    ],
)
def test_code_that_quits_is_told(here, code, words):
    (here / "quitting.py").write_text(code)
    with pytest.raises(UsageError, match=words):
        data_of("quitting:Lines")


def test_code_that_never_returns_is_given_up_on(here, monkeypatch):
    (here / "endless.py").write_text("while True: pass")
    monkeypatch.setattr("engine.services.messages.PREFLIGHT", replace(PREFLIGHT, timeout=8.0))
    with pytest.raises(NoAnswerError, match="8 seconds: look for a loop"):
        data_of("endless:Lines")


def test_its_network_is_adapted_where_its_code_is_but_a_file_must_not_choose_what_is_run(
    capsys, here, monkeypatch
):
    (here / "points.csv").write_text("1,2\n2,4\n")
    options = ("-s", "iterations=1", "-s", "val_tasks=2", "-s", "eval_tasks=2", "--device", "cpu", "--plain")
    assert run_command_line(["train", "sinusoid-10shot", "--model", "mine:Net", *options]) == 0
    support = ["--support", str(here / "points.csv"), "--csv"]
    (here / "elsewhere").mkdir()
    monkeypatch.chdir(here / "elsewhere")
    assert run_command_line(["adapt", "@last", *support]) == 0
    assert run_command_line(["export", "@last", "--what", "model", "-o", "net.safetensors"]) == 0
    capsys.readouterr()
    assert run_command_line(["adapt", "net.safetensors", *support]) == 2
    assert "needs code that it does not bring along (mine:Net)" in capsys.readouterr().err


def test_the_shipped_initialisation_is_adapted_by_name(capsys, here):
    (here / "points.csv").write_text("1,2\n2,4\n")
    assert run_command_line(["adapt", "sinusoid-10shot", "--support", "points.csv", "--csv"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("x,prediction\n-5.0,") and "sinusoid-10shot (iteration 42,000)" in err


def test_no_run_is_made_of_what_cannot_be_trained(here):
    (here / "bad.py").write_text("class Net: pass")
    request = Request("sinusoid-10shot", None, ("network=custom", "model_class='bad:Net'"), None, "cpu")
    with pytest.raises(UsageError, match=r"bad:Net must subclass torch.nn.Module"):
        create(request.record())
    assert not (here / "state").exists()


def test_a_class_that_is_not_there_is_told():
    with pytest.raises(UsageError, match="did you mean Lines"):
        data_of("mine:Line")


def test_without_a_class_it_must_be_said_what_to_train():
    with pytest.raises(UsageError, match="say what to train"):
        Request(None, None, ("shots=3",), None, "cpu").record()


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (("network=custom",), "network = custom needs model_class"),
        (("data=custom-regression",), "data = custom-regression needs task_class"),
        (("model_class='a:B'",), "model_class has no effect here: it needs network = custom"),
        (("network=custom", "model_class='a.b'"), "model_class = 'a.b'"),
        (
            ("data=custom-classification", "task_class='a:B'", "algorithm=pretrained"),
            "algorithm = pretrained does not fit data = custom-classification",
        ),
        (
            ("data=custom-classification", "task_class='a:B'", "algorithm=prototypical"),
            "algorithm = prototypical does not fit network = mlp",
        ),
        (
            ("data=custom-regression", "task_class='a:B'", "algorithm=oracle"),
            "oracle does not fit data = custom-regression",
        ),
    ],
)
def test_what_does_not_go_together_is_told_before_any_code_runs(settings, expected):
    with pytest.raises(UsageError, match=expected):
        Request("sinusoid-10shot", None, settings, None, "cpu").record()
