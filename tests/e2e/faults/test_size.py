"""A state directory of ten thousand runs, and a journal as long as years of training make it."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from run_folders import change_status

from engine.runs.events import StateEvent, TrainEvent
from engine.runs.index import find_run, list_runs
from engine.runs.journal import EventReader, EventWriter
from engine.runs.status import read_status
from maml_tui.cli import run as maml

RUNS = 10_000
JOURNAL = int(os.environ.get("MAML_JOURNAL_MIB", "64")) * 2**20
MEMORY = 90 * 2**20  # bytes, however long the journal is


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """A state directory with very many finished runs."""
    import short_run

    home = tmp_path_factory.mktemp("many")
    first = short_run.new_run(home / "runs", name="run0")
    status = read_status(first).model_copy(update={"state": "done"})
    config = first.config.read_bytes()
    for number in range(1, RUNS):
        run = type(first)(first.path.parent / f"{number:06x}")
        run.path.mkdir()
        run.config.write_bytes(config)
        line = status.model_copy(update={"name": f"run{number}", "created": status.created + number})
        run.status.write_text(line.model_dump_json())
    return home


def test_ten_thousand_runs(many, monkeypatch, capsys):
    monkeypatch.setenv("MAML_STATE_DIR", str(many))
    assert len(list_runs()) == RUNS
    assert find_run("@last").id == f"{RUNS - 1:06x}" == find_run(f"run{RUNS - 1}").id
    assert maml(["runs", "ls"]) == 0
    assert f"run{RUNS - 1}" in capsys.readouterr().out
    assert maml(["attach", "run77", "--plain"]) == 0
    assert maml(["runs", "show", "no-such-run"]) == 2
    assert "No run is called" in capsys.readouterr().err


def test_ten_thousand_runs_in_the_application(many, monkeypatch, terminal):
    window = terminal(MAML_STATE_DIR=str(many))
    window.wait_for("(?i)runs")
    window.send("3")
    window.wait_for(f"run{RUNS - 1}")
    window.send("q")
    assert window.end() == 0


@pytest.fixture
def long(new_run):
    """A finished run with a journal of that many bytes."""
    run = new_run()
    event = TrainEvent(
        iteration=1, loss=1.5, iterations_per_second=400.0, tasks_per_second=1e4, grad_norm=1.0
    )
    with EventWriter(run.events) as events:
        events.write(StateEvent(state="running"))
    with run.events.open("ab") as file:
        written = file.tell()
        number = 1
        while written < JOURNAL:
            stamped = (
                event.model_copy(update={"seq": number + i, "iteration": number + i}) for i in range(1000)
            )
            block = b"".join(one.model_dump_json().encode() + b"\n" for one in stamped)
            written += file.write(block)
            number += 1000
    with EventWriter(run.events) as events:
        assert events.next_seq == number
    change_status(run, state="done", seq=number - 1)
    return run, number


PEAK = """
import sys
from pathlib import Path
# Not getrusage: that begins with what the parent took.
status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
print(status["VmHWM"].split()[0], file=sys.stderr)
"""
WATCH = """
import sys
from pathlib import Path
from engine.runs.directory import RunDirectory
from maml_tui.runs.watch import RunWatch
watch = RunWatch(RunDirectory(Path(sys.argv[1])))
while watch.apply(watch.fetch()):
    pass
"""
FOLLOW = """
import sys
from maml_tui.cli import run
run(["attach", sys.argv[1], sys.argv[2]])
"""


@pytest.mark.timeout(3600)
@pytest.mark.parametrize(
    "code", [(WATCH,), (FOLLOW, "--plain"), (FOLLOW, "--json")], ids=["app", "plain", "json"]
)
def test_a_journal_of_any_length_is_read_in_bounded_memory(long, code):
    run, count = long
    assert sum(len(lines) for lines in EventReader(run.events).chunks()) == count
    command = [sys.executable, "-c", code[0] + PEAK, str(run.path), *code[1:]]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    peak = int(done.stderr.split()[-1]) * 1024
    print(f"{len(done.stdout):,} bytes told of {JOURNAL:,}; {peak / 2**20:.0f} MiB of memory")
    assert peak < MEMORY
