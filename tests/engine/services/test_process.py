"""The adaptation process is never left over."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import psutil
import pytest

from engine.config.record import RunRecord
from engine.config.resolve import ResolvedConfig
from engine.runs.directory import create_run

COMMAND = [sys.executable, "-P", "-m", "engine.services.explore"]
ASKED = (
    b'{"id": 7, "checkpoint": "latest", "split": "test", "task": 0, "steps": 1, "shots": 1, "queries": 1}\n'
)


@pytest.fixture
def run(small, tmp_path):
    record = RunRecord(ResolvedConfig(small("sinusoid")), "test", "cpu")
    return create_run("test", record.to_toml, root=tmp_path)


def test_it_answers_and_ends_with_its_input(run):
    done = subprocess.run([*COMMAND, str(run.path)], input=ASKED * 2, capture_output=True, timeout=120)
    assert done.returncode == 0 and done.stderr == b""
    assert done.stdout.count(b'"id":7') == 2 and b"no checkpoint yet" in done.stdout


def test_it_ends_when_its_parent_is_killed(run):
    parent = textwrap.dedent(
        f"""
        import subprocess, sys, time
        child = subprocess.Popen({[*COMMAND, str(run.path)]!r}, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                 start_new_session=True)
        child.stdin.write({ASKED!r})
        child.stdin.flush()
        child.stdout.readline()
        print(child.pid, flush=True)
        time.sleep(600)
        """
    )
    killed = subprocess.Popen([sys.executable, "-c", parent], stdout=subprocess.PIPE)
    child = psutil.Process(int(killed.stdout.readline()))
    killed.kill()
    killed.communicate()
    gone, _ = psutil.wait_procs([child], timeout=60)
    assert gone
