"""The client against a stand-in for the process: a small program that answers in its own way."""

from __future__ import annotations

import asyncio
import os
import sys
import textwrap

import psutil
import pytest

from engine.errors import ResourceError
from engine.runs.directory import RunDirectory
from engine.services.explore_messages import Question
from maml_tui.pages.adapt.client import AdaptationClient

QUESTION = Question(checkpoint="latest", split="test", task=3, steps=1, shots=1, queries=1)
FAITHFUL = """
    for line in sys.stdin:
        asked = json.loads(line)
        told = f"task {asked['task']} of {sys.argv[1]} with {os.environ.get('MARK')}"
        print(json.dumps({"kind": "problem", "id": asked["id"], "problem": told}), flush=True)
"""
DYING = """
    sys.stdin.readline()
    print("first", file=sys.stderr)
    print("no such \\x1b[2Jlibrary", file=sys.stderr)
    sys.exit(3)
"""
KILLED = """
    sys.stdin.readline()
    os.kill(os.getpid(), 9)
"""


@pytest.fixture
def client(tmp_path, monkeypatch):
    """Return `client(program)`: one whose process runs that program."""

    def make(program):
        text = "import json, os, sys\n" + textwrap.dedent(program)
        monkeypatch.setattr("maml_tui.pages.adapt.client._COMMAND", (sys.executable, "-c", text))
        return AdaptationClient(RunDirectory(tmp_path / "7f3a"), {**os.environ, "MARK": "x"})

    return make


def test_questions_are_answered_by_one_process(client, tmp_path):
    async def converse():
        talker = client(FAITHFUL)
        assert talker.pid is None
        first, pid = await talker.ask(QUESTION), talker.pid
        second = await talker.ask(QUESTION.model_copy(update={"task": 4}))
        assert talker.pid == pid and os.getsid(pid) == pid
        await talker.close()
        return first.problem, second.problem, pid

    first, second, pid = asyncio.run(converse())
    assert first == f"task 3 of {tmp_path / '7f3a'} with x" and second.startswith("task 4")
    assert not psutil.pid_exists(pid)


def test_the_newest_question_wins(client):
    async def converse():
        talker = client(FAITHFUL)
        asked = [talker.ask(QUESTION.model_copy(update={"task": task})) for task in range(5)]
        answers = await asyncio.gather(*asked)
        await talker.close()
        return answers

    answers = asyncio.run(converse())
    assert answers[-1].problem.startswith("task 4") and answers[1:-1] == [None] * 3


def test_an_answer_that_nobody_waited_for_is_passed_over(client):
    async def converse():
        talker = client(FAITHFUL)
        await talker.ask(QUESTION)
        given_up = asyncio.create_task(talker.ask(QUESTION))
        await asyncio.sleep(0)
        given_up.cancel()
        answer = await talker.ask(QUESTION.model_copy(update={"task": 9}))
        await talker.close()
        return answer

    assert asyncio.run(converse()).problem.startswith("task 9")


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        (DYING, r"exit status 3: no such \\x1b\[2Jlibrary"),
        (KILLED, r"signal 9 \(Killed\)"),
        ("", "no message"),
    ],
)
def test_a_process_that_dies_is_told_and_started_again(client, program, expected):
    async def converse():
        talker = client(program)
        pids = []
        for _ in range(2):
            with pytest.raises(ResourceError, match=expected):
                await talker.ask(QUESTION)
            pids.append(talker.pid)
        await talker.close()
        return pids

    first, second = asyncio.run(converse())
    assert first != second


def test_closing_leaves_nothing_behind_and_no_complaint(client):
    async def converse():
        talker = client("import time; time.sleep(600)")
        waiting = asyncio.create_task(talker.ask(QUESTION))
        while talker.pid is None:
            await asyncio.sleep(0.01)
        pid = talker.pid
        await talker.close()
        return await waiting, pid

    answer, pid = asyncio.run(converse())
    assert answer is None and not psutil.pid_exists(pid)


def test_a_program_that_cannot_be_started_is_told(client, monkeypatch):
    talker = client(FAITHFUL)
    monkeypatch.setattr("maml_tui.pages.adapt.client._COMMAND", ("/nonexistent/python",))
    with pytest.raises(ResourceError, match="Cannot start the process that adapts"):
        asyncio.run(talker.ask(QUESTION))
