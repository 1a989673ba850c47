"""The client, against processes that answer in their own way."""

from __future__ import annotations

import asyncio
import os
import sys
from dataclasses import replace

import psutil
import pytest
from deadline import until
from obedient import COMMAND, SERVICE, Code

from engine.errors import MamlError, ResourceError
from engine.services import client as client_module
from engine.services.client import AsyncClient, NoAnswerError, ask, ask_async, command, conversation

FAITHFUL = """
    for line in sys.stdin:
        asked = json.loads(line)
        told = asked["question"]["code"] + " " + os.environ.get("MARK", "")
        print(json.dumps({"id": asked["id"], "result": {"result": told}}), flush=True)
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
SILENT = """
    sys.stdin.readline()
    os.close(1)
    time.sleep(600)
"""


def both_faces(question, environment=os.environ, service=SERVICE):
    """Ask by either face; return what each said or raised."""

    def outcome(answer):
        try:
            return answer()
        except MamlError as error:
            return error

    return (
        outcome(lambda: ask(service, question, environment)),
        outcome(lambda: asyncio.run(ask_async(service, question, environment))),
    )


def test_the_process_is_this_programs_own_wherever_the_user_stands():
    assert command(SERVICE) == [sys.executable, "-P", "-m", "engine.services", "obedient"]


def test_the_process_has_a_workers_environment(monkeypatch):
    monkeypatch.setattr(client_module, "command", lambda service: COMMAND)
    names = ("GOMP_SPINCOUNT", "PYTHONFAULTHANDLER", "MARK")
    code = Code(code=f"import os; result = ' '.join(os.environ[name] for name in {names})")
    given = {**os.environ, "MARK": "x", "GOMP_SPINCOUNT": "7"}
    assert [said.result for said in both_faces(code, given)] == ["7 1 x"] * 2
    given = {name: value for name, value in given.items() if name != "GOMP_SPINCOUNT"}
    assert all(int(said.result.split()[0]) > 0 for said in both_faces(code, given))


@pytest.mark.parametrize(
    ("text", "kind", "words"),
    [
        (DYING, NoAnswerError, r"exit status 3): no such \x1b[2Jlibrary"),
        (KILLED, NoAnswerError, "signal 9 (Killed)"),
        ("", NoAnswerError, "exit status 0): it left no message"),
        ("sys.stdin.readline(); print('{}', flush=True); time.sleep(600)", MamlError, "cannot be understood"),
        ("sys.stdin.readline(); print('hello')", MamlError, "cannot be understood"),
        (
            """print('{"id": 1, "result": {"result": 3}}', flush=True); sys.stdin.read()""",
            MamlError,
            "cannot be understood",
        ),
    ],
)
def test_an_answer_that_is_none_is_told(program, text, kind, words):
    program(text)
    for error in both_faces(Code()):
        assert type(error) is kind and words in str(error) and error.exit_code == 1


def test_a_process_that_only_closes_its_answers_is_no_longer_waited_for(program, monkeypatch):
    monkeypatch.setattr(client_module, "_GRACE_SECONDS", 0.1)
    program(SILENT)
    assert all(isinstance(error, NoAnswerError) for error in both_faces(Code()))


def test_a_time_limit_holds_for_both_faces(program):
    program("time.sleep(600)")
    for error in both_faces(Code(), service=replace(SERVICE, timeout=0.1)):
        assert isinstance(error, NoAnswerError) and "0.1 seconds" in str(error)


def test_a_process_that_cannot_be_started_is_told(monkeypatch):
    monkeypatch.setattr(client_module, "command", lambda service: ["/nonexistent/python"])
    assert all(type(error) is ResourceError for error in both_faces(Code()))


def test_a_conversation_is_had_with_one_process_that_ctrl_c_reaches(monkeypatch):
    monkeypatch.setattr(client_module, "command", lambda service: COMMAND)
    code = Code(code="import os; result = f'{os.getpid()} {os.getsid(0)}'")
    with conversation(SERVICE) as talk:
        said = {talk(code).result for _ in range(3)}
    ((pid, session),) = (one.split() for one in said)
    assert int(session) == os.getsid(0) and not psutil.pid_exists(int(pid))


@pytest.fixture
def talker(program):
    """Return `talker(text)`: a conversation with that program."""

    def make(text):
        program(text)
        return AsyncClient(SERVICE, {**os.environ, "MARK": "x"})

    return make


async def test_questions_are_answered_by_one_process_in_a_session_of_its_own(talker):
    client = talker(FAITHFUL)
    assert client.pid is None
    first, pid = await client.ask(Code(code="3")), client.pid
    second = await client.ask(Code(code="4"))
    assert client.pid == pid and os.getsid(pid) == pid
    await client.close()
    assert (first.result, second.result) == ("3 x", "4 x")
    assert not psutil.pid_exists(pid)


async def test_the_newest_question_wins(talker):
    client = talker(FAITHFUL)
    answers = await asyncio.gather(*(client.ask(Code(code=str(number))) for number in range(5)))
    await client.close()
    assert answers[-1].result == "4 x" and answers[1:-1] == [None] * 3


async def test_an_answer_that_nobody_waited_for_is_passed_over(talker):
    client = talker(FAITHFUL)
    await client.ask(Code(code="1"))
    given_up = asyncio.create_task(client.ask(Code(code="2")))
    await asyncio.sleep(0)
    given_up.cancel()
    answer = await client.ask(Code(code="9"))
    await client.close()
    assert answer.result == "9 x"


@pytest.mark.parametrize("text", [DYING, KILLED, ""])
async def test_a_process_that_died_is_started_again(talker, text):
    client, pids = talker(text), []
    for _ in range(2):
        with pytest.raises(NoAnswerError):
            await client.ask(Code())
        pids.append(client.pid)
    await client.close()
    first, second = pids
    assert first != second


async def test_closing_leaves_nothing_behind_and_no_complaint(talker):
    client = talker("time.sleep(600)")
    waiting = asyncio.create_task(client.ask(Code()))
    await until(lambda: client.pid)
    pid = client.pid
    await client.close()
    assert await waiting is None and not psutil.pid_exists(pid)


async def test_cancelling_ends_the_process_which_clears_up(monkeypatch, tmp_path):
    monkeypatch.setattr(client_module, "command", lambda service: COMMAND)
    code = f"""
import os, tempfile, time
with tempfile.TemporaryDirectory(dir={str(tmp_path)!r}):
    print(os.getpid(), file=open({str(tmp_path / "pid")!r}, "w"), flush=True)
    time.sleep(600)
"""
    note = tmp_path / "pid"

    task = asyncio.create_task(ask_async(SERVICE, Code(code=code), os.environ))
    await until(lambda: note.exists() and note.read_text().endswith("\n"))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not psutil.pid_exists(int(note.read_text()))
    assert list(tmp_path.iterdir()) == [note]


def test_a_process_that_ignores_being_told_to_end_is_killed(program, monkeypatch):
    monkeypatch.setattr(client_module, "_GRACE_SECONDS", 0.1)
    program("""
        import signal
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        asked = json.loads(sys.stdin.readline())
        print(json.dumps({"id": asked["id"], "result": {"result": str(os.getpid())}}), flush=True)
        time.sleep(600)
    """)
    for said in both_faces(Code()):
        assert not psutil.pid_exists(int(said.result))
