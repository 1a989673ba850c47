"""Asking the process that measures."""

from __future__ import annotations

import asyncio
import os
import sys

import pytest

from engine.config.toml import config_tables
from engine.errors import MamlError, ResourceError, UsageError
from engine.services.messages import Question
from maml_tui.pages.setup import estimating
from maml_tui.pages.setup.estimating import measure


@pytest.fixture
def stand_in(tmp_path, monkeypatch):
    """Run `code` instead of the process that measures."""

    def put(code):
        script = tmp_path / "python"
        script.write_text(f"#!{sys.executable}\nimport os, sys, time\n{code}\n")
        script.chmod(0o700)
        monkeypatch.setattr(estimating.sys, "executable", str(script))

    return put


def ask(draft, device="cpu"):
    return asyncio.run(measure(Question(config=config_tables(draft.config), device=device), os.environ))


def test_a_real_measurement(draft):
    costs = ask(draft("sinusoid-5shot", hidden="4", meta_batch_size="2", val_tasks="4", iterations="100"))
    assert costs.device == "cpu" and costs.iterations_per_second > 0 and costs.parameters == 13


def test_the_process_speaks_for_itself(draft):
    with pytest.raises(ResourceError, match="maml data get omniglot"):
        ask(draft("omniglot-5w1s"))


@pytest.mark.parametrize(
    ("code", "error", "words"),
    [
        ("sys.exit('first\\nno \\x1b[31mluck')", MamlError, r"^no \\x1b\[31mluck$"),
        ("print('bad', file=sys.stderr); sys.exit(2)", UsageError, "^bad$"),
        ("sys.exit(9)", MamlError, "exit status 9"),
        ("os.kill(os.getpid(), 9)", ResourceError, r"signal 9 \(Killed\)"),
        ("print('{}')", MamlError, "makes no sense"),
    ],
)
def test_each_end_is_told_in_words(draft, stand_in, code, error, words):
    stand_in(code)
    with pytest.raises(error, match=words):
        ask(draft())


def test_a_process_that_cannot_be_started(draft, monkeypatch):
    monkeypatch.setattr(estimating.sys, "executable", "/nowhere/python")
    with pytest.raises(ResourceError, match="Cannot start the process that measures"):
        ask(draft())


def test_calling_it_off_ends_the_process(draft, stand_in, tmp_path):
    begun = tmp_path / "pid"
    stand_in(f"open({str(begun)!r}, 'w').write(f'{{os.getpid()}}\\n'); time.sleep(600)")

    async def begin_and_call_off():
        question = Question(config=config_tables(draft().config))
        task = asyncio.create_task(measure(question, os.environ))
        while not (begun.exists() and begun.read_text().endswith("\n")):
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(begin_and_call_off())
    with pytest.raises(ProcessLookupError):
        os.kill(int(begun.read_text()), 0)
