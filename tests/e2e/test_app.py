"""The application in a real terminal, with a real worker: leaving it, coming back, and all that can go wrong."""

from __future__ import annotations

import os
import re
import signal
import time
from pathlib import Path

import pytest
from command_line import maml
from deadline import PATIENCE, wait_until

from engine.runs.index import find_run, list_runs
from engine.runs.launch import kill_worker
from engine.runs.status import current_status

TINY = ["-s", "val_tasks=4", "-s", "eval_tasks=4", "-s", "eval_every=5000", "-s", "checkpoint_every=5000"]
RESTORED = (b"\x1b[?1049l", b"\x1b[?1003l", b"\x1b[?25h", b"\x1b[<u")


@pytest.fixture
def live(states, monkeypatch):
    """A run that trains for as long as the test may last, on one thread."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    done = maml(
        "train", "sinusoid-5shot", *TINY, "-s", "iterations=1000000", "--name", "endless", "--detach", "-q"
    )
    assert done.returncode == 0, done.stderr
    return find_run(done.stdout.strip(), states)


@pytest.fixture
def finished(states, monkeypatch):
    """A run that has ended with a result."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    done = maml("train", "sinusoid-5shot", *TINY, "-s", "iterations=100", "--name", "short", "-q")
    assert done.returncode == 0, done.stderr
    return list_runs(states)[0].run


def goes_on(run):
    """Return whether the run's worker lives and still makes progress."""
    before = current_status(run).iteration
    wait_until(lambda: current_status(run).iteration > before)
    return current_status(run).state == "running"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_restores_the_terminal_and_leaves_the_run_alone(terminal, live, number):
    window = terminal("attach", live.id)
    window.wait_for("endless")
    os.kill(window.process.pid, number)
    assert window.end() == 128 + number
    wait_until(lambda: all(sequence in window.written for sequence in RESTORED))
    assert goes_on(live)


@pytest.mark.parametrize("ignored", [False, True], ids=["", "as under nohup"])
def test_a_closed_terminal_ends_the_app_without_spinning_and_the_run_goes_on(
    terminal, live, ignoring_hangup, ignored
):
    window = terminal("attach", live.id, before=ignoring_hangup if ignored else None)
    window.wait_for("endless")
    window.hang_up()
    window.end(20)
    assert goes_on(live)


def test_killed_outright_the_app_is_missed_by_nobody_and_the_next_one_shows_everything(terminal, live):
    first = terminal("attach", live.id)
    first.wait_for("endless")
    first.process.kill()
    first.end()
    assert goes_on(live)
    second = terminal("attach", live.id)
    second.wait_for("endless")
    second.wait_for("running|RUNNING")
    second.send("q")
    assert second.end() == 0
    assert f"maml attach {live.id}" in second.text()


def test_a_killed_worker_is_seen_to_be_lost_and_can_be_resumed(terminal, live):
    assert maml("ckpt", live.id).returncode == 0
    wait_until(lambda: (live.checkpoints / "latest.json").exists())
    window = terminal("attach", live.id)
    window.wait_for("RUNNING|running")
    kill_worker(live)
    window.wait_for("(?i)lost", 10)
    window.send("r")
    wait_until(lambda: current_status(live).state == "running")
    window.wait_for("RUNNING|running")


def test_the_app_never_loads_torch(terminal, live):
    window = terminal("attach", live.id)
    window.wait_for("RUNNING|running")
    for page in "13452":
        window.send(page)
        time.sleep(0.5)
    mapped = Path(f"/proc/{window.process.pid}/maps").read_text()
    assert "numpy" in mapped
    assert "torch" not in mapped


def test_little_is_sent_while_training_and_nothing_when_idle(terminal, live):
    """Under 5 KiB a second at 2 Hz: what a slow connection bears."""
    window = terminal("attach", live.id, MAML_HZ="2")
    window.wait_for("RUNNING|running")
    time.sleep(2)
    before, began = len(window.written), time.monotonic()
    time.sleep(8)
    assert (len(window.written) - before) / (time.monotonic() - began) < 5 * 1024
    assert len(window.written) > before


def test_a_finished_run_at_rest_sends_nothing(terminal, finished):
    window = terminal("attach", finished.id)
    window.wait_for("(?i)done")
    time.sleep(3)
    before = len(window.written)
    time.sleep(4)
    assert len(window.written) == before


@pytest.mark.parametrize("size", [(120, 40), (80, 24)])
def test_without_colour_there_is_none(terminal, finished, size):
    window = terminal("attach", finished.id, size=size, NO_COLOR="1")
    window.wait_for("(?i)done")
    for page in "13452":
        window.send(page)
        time.sleep(0.4)
    assert not re.search(rb"\x1b\[[0-9;]*[34]8;[25];", window.written)


def test_a_storm_of_sizes_is_weathered(terminal, live):
    window = terminal("attach", live.id)
    window.wait_for("RUNNING|running")
    for page in "21345":
        window.send(page)
        for size in ((80, 24), (30, 6), (10, 3), (200, 60), (60, 15), (1, 1), (120, 40)):
            window.resize(*size)
            time.sleep(0.1)
    window.send("2")
    window.wait_for("endless")
    assert window.process.poll() is None


def test_a_run_steered_from_the_keyboard(terminal, live):
    window = terminal("attach", live.id)
    window.wait_for("RUNNING|running")
    window.send(" ")
    wait_until(lambda: current_status(live).state == "paused")
    window.wait_for("PAUSED|paused")
    window.send(" ")
    wait_until(lambda: current_status(live).state == "running")
    window.send("X")
    window.wait_for("(?i)graceful")
    window.send("n")
    wait_until(lambda: current_status(live).state == "done")
    window.wait_for("DONE|done")


def test_a_watched_run_cannot_be_steered(terminal, live):
    window = terminal("attach", live.id, "--readonly")
    window.wait_for("RUNNING|running")
    window.send(" ")
    window.wait_for("(?i)read-?only")
    assert current_status(live).state == "running"


@pytest.mark.parametrize("size", [(120, 40), (80, 24)])
def test_a_newcomers_path(terminal, states, monkeypatch, size):
    """Choose a preset, start it, steer it, lose the terminal, come back, stop it, read the result."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    window = terminal(size=size)
    window.wait_for("maml train smoke")
    choose(window, "sinusoid-5shot", wide=size[0] >= 100)
    window.send("\x13")  # ^s
    window.wait_for("(?i)warming-up|running")
    (run,) = [summary.run for summary in list_runs(states)]
    wait_until(lambda: current_status(run).state == "running")
    window.wait_for(r"[\u2801-\u28ff]")  # the first dot of the curve
    window.send(" ")
    window.wait_for("PAUSED")
    window.send(" ")
    window.wait_for("RUNNING")
    window.hang_up()
    window.end()
    assert goes_on(run)

    back = terminal("attach", run.id, size=size)
    back.wait_for("RUNNING")
    back.send("X")
    back.wait_for("(?i)graceful")
    back.send("g")
    back.wait_for("DONE", 2 * PATIENCE)
    wait_until(run.result.exists)
    back.wait_for("(?i)published")
    back.send("q")
    assert back.end() == 0


def choose(window, preset, wide):
    """Load a preset: through the filter of the list in a wide window, from the drop-down in a narrow one."""
    if wide:
        window.wait_for("Papers")
        window.send("/")
        window.wait_for("f1 Help")  # for ? is text there
        window.send(f"{preset}\r")
    else:
        window.send("\x0f")  # ^o
        window.wait_for(preset)
        window.send(3 * "\x1b[A" + "\r")  # three above the one it opens with
    window.wait_for(f"maml train {preset}")
