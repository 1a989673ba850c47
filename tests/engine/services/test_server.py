"""The server end in real processes: whatever a user's own code does, there is one answer or one end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from dataclasses import replace

import psutil
import pytest
from deadline import PATIENCE, wait_until
from obedient import COMMAND, HANDLER, SERVICE, Code

from engine.errors import DivergedError, MamlError, ResourceError, UsageError
from engine.runs.launch import worker_environment
from engine.services import client as client_module
from engine.services.client import NoAnswerError, ask, conversation
from engine.services.server import explain, reply
from engine.services.service import Service


@pytest.fixture(autouse=True)
def _obedient(monkeypatch):
    monkeypatch.setattr(client_module, "command", lambda service: COMMAND)


def told(code):
    return ask(SERVICE, Code(code=textwrap.dedent(code))).result


@pytest.mark.parametrize(
    "code",
    [
        "print('{}'); print('x' * 100_000)",
        "import os; os.write(1, b'{}\\n')",
        "import subprocess; subprocess.run(['echo', '{}'], check=True)",
        "import sys; sys.stdout = None; print('lost')",
        "import sys; sys.stdout.close(); sys.stdin.close()",
        "import os; os.close(0); os.close(1)",
        "import sys; assert sys.stdin.read() == ''",
        "import os, sys\nif os.fork() == 0:\n    sys.exit(0)\nos.wait()",
        "import os\nif os.fork():\n    os.wait()",
        "import threading, time; threading.Thread(target=time.sleep, args=(600,)).start()",
    ],
)
def test_no_code_breaks_the_conversation(code):
    with conversation(SERVICE) as talk:
        assert talk(Code(code=f"{code}\nresult = 'first'")).result == "first"
        assert talk(Code(code="result = 'second'")).result == "second"


@pytest.mark.parametrize(
    ("code", "kind", "exit_code", "words"),
    [
        ("from engine.errors import UsageError; raise UsageError('no\\x1b[2J such\\nand more')", UsageError, 2,
         "no\\x1b[2J such\nand more"),
        ("from engine.errors import ResourceError; raise ResourceError('full')", ResourceError, 3, "full"),
        ("from engine.errors import DivergedError; raise DivergedError('nan')", DivergedError, 4, "nan"),
        ("from engine.errors import MamlError; raise MamlError('broken')", MamlError, 1, "broken"),
        ("import sys; sys.exit(0)", UsageError, 2, "sys.exit(0)"),
        ("raise KeyboardInterrupt", MamlError, 1, "defect"),
        ("[][1]", MamlError, 1, "defect"),
        ("import torch; raise torch.OutOfMemoryError('CUDA')", ResourceError, 3, "ask for less"),
        ("raise MemoryError", ResourceError, 3, "ask for less"),
    ],
)  # fmt: skip
def test_whatever_is_raised_is_an_answer(code, kind, exit_code, words):
    with conversation(SERVICE) as talk:
        with pytest.raises(MamlError) as caught:
            talk(Code(code=code))
        assert type(caught.value) is kind and caught.value.exit_code == exit_code
        assert words in str(caught.value)
        assert talk(Code()).result == "done"


def test_a_defect_leaves_its_traceback_on_stderr(capfd):
    with pytest.raises(MamlError):
        ask(replace(SERVICE, shows_progress=True), Code(code="print('progress'); [][1]"))
    out, err = capfd.readouterr()
    assert out == "" and "Traceback" in err and "IndexError" in err and "progress" in err


def test_a_question_that_cannot_be_read_is_an_answer():
    for line in (b"{torn\n", b'{"id": 1, "question": {"code": 3}}\n', b'{"id": 1}\n', b"\n"):
        answered = SERVICE.read_answer(reply(lambda: HANDLER, line))
        assert answered.id is None and answered.failure.exit_code == 2
    assert SERVICE.read_answer(reply(lambda: HANDLER, SERVICE.ask_line(7, Code()))).id == 7


def test_a_service_that_cannot_be_loaded_is_an_answer():
    def load():
        raise ImportError("libtorch.so is missing")

    answered = SERVICE.read_answer(reply(load, SERVICE.ask_line(1, Code())))
    assert answered.failure.exit_code == 1 and "libtorch" in answered.failure.sentence


def test_an_allocation_that_failed_on_the_way_is_out_of_memory():
    import torch

    error = RuntimeError("something else")
    error.__context__ = torch.OutOfMemoryError("CUDA")
    assert explain(error, "ask for less").exit_code == 3


def test_every_service_has_a_handler_of_its_name(monkeypatch):
    monkeypatch.undo()
    from importlib import import_module

    import engine.services.__main__ as entry
    from engine.services import apply_messages, explore_messages, messages

    services = [
        value
        for module in (messages, apply_messages, explore_messages)
        for value in vars(module).values()
        if isinstance(value, Service)
    ]
    assert sorted(service.name for service in services) == sorted(entry._NAMES)
    for service in services:
        assert import_module(f"engine.services.{service.name}").HANDLER.service is service


ASKER = """
import sys
from obedient import SERVICE, Code, COMMAND
from engine.services import client
client.command = lambda service: COMMAND
CODE = '''
import os, signal, sys, tempfile, time
signal.signal(signal.SIGUSR1, signal.SIG_IGN)
with tempfile.TemporaryDirectory(dir=FOLDER) as folder:
    print(os.getpid(), file=open(FOLDER + "/pid", "w"), flush=True)
    WAIT
'''.replace("FOLDER", repr(sys.argv[1])).replace("WAIT", sys.argv[2])
client.ask(SERVICE, Code(code=CODE))
"""
STUBBORN = (
    "while True:\n        try:\n            time.sleep(1)\n        except BaseException:\n            pass"
)


@pytest.fixture
def asker(tmp_path):
    """Return `asker(wait)`: a process that has asked for something endless, and the process that does it."""

    def start(wait="time.sleep(600)"):
        environment = worker_environment({**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})
        process = subprocess.Popen(
            [sys.executable, "-c", ASKER, str(tmp_path), wait], env=environment, start_new_session=True
        )
        note = tmp_path / "pid"
        wait_until(lambda: note.exists() and note.read_text().endswith("\n"))
        return process, psutil.Process(int(note.read_text()))

    return start


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_process_ends_with_its_asker_and_clears_up(asker, tmp_path, number):
    process, child = asker()
    process.send_signal(number)
    assert process.wait(PATIENCE) != 0
    gone, _ = psutil.wait_procs([child], timeout=PATIENCE)
    assert gone and [path.name for path in tmp_path.iterdir()] == ["pid"]


def test_ctrl_c_reaches_both_and_the_temporary_folder_is_cleared(asker, tmp_path):
    process, child = asker()
    os.killpg(process.pid, signal.SIGINT)
    process.wait(PATIENCE)
    assert psutil.wait_procs([child], timeout=PATIENCE)[0]
    assert [path.name for path in tmp_path.iterdir()] == ["pid"]


@pytest.mark.parametrize("wait", [STUBBORN, "while True: pass"])
def test_code_that_lets_nothing_end_it_ends_with_its_asker(asker, wait):
    process, child = asker(wait)
    process.kill()
    process.wait()
    assert psutil.wait_procs([child], timeout=PATIENCE)[0]


def test_code_that_never_returns_takes_no_longer_than_it_may():
    short = replace(SERVICE, timeout=1.0, hint="look for a loop")
    with pytest.raises(NoAnswerError, match="within 1 seconds: look for a loop"):
        ask(short, Code(code="while True: pass"))


def test_a_child_that_lives_on_does_not_hide_that_its_parent_died(tmp_path):
    code = f"""
        import os, time
        child = os.fork()
        if child == 0:
            time.sleep(600)
        print(child, file=open({str(tmp_path / "pid")!r}, "w"), flush=True)
        os._exit(5)
    """
    with pytest.raises(NoAnswerError, match="exit status 5"):
        told(code)
    os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)
