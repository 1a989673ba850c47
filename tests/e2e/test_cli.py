"""The command line with real processes: what a person types, and what is left on disk."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import psutil
import pytest
from command_line import MAML, maml
from deadline import PATIENCE, wait_until
from environment import isolate

from engine.errors import UsageError
from engine.runs.events import LIVE_STATES, StartedEvent, TrainEvent
from engine.runs.index import find_run, list_runs
from engine.runs.journal import EventReader
from engine.runs.launch import kill_worker
from engine.runs.status import current_status, read_status

if TYPE_CHECKING:
    from engine.runs.directory import RunDirectory

SHORT = ["-s", "iterations=4", "-s", "eval_every=2", "-s", "val_tasks=4", "-s", "eval_tasks=4"]
ENDLESS = ["-s", "iterations=1000000", "-s", "eval_every=0", "-s", "checkpoint_every=50"]


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """One state and data directory for the file, so that drawings are made once."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(autouse=True)
def no_worker_left(home):
    """No worker outlives its test: each would take the others' processors."""
    yield
    for summary in list_runs(home / "state" / "runs"):
        if summary.status.state in LIVE_STATES:
            with suppress(UsageError):  # it has ended meanwhile
                kill_worker(summary.run)


@pytest.fixture(autouse=True)
def environment(home, monkeypatch):
    isolate(monkeypatch, home)


@contextmanager
def started(*arguments, **options):
    """Start a command; a test that fails meanwhile does not wait for its end."""
    channels = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True, **options}
    with subprocess.Popen([*MAML, *arguments], **channels) as process:
        try:
            yield process
        except BaseException:
            process.kill()
            raise


def trains(run: RunDirectory) -> bool:
    events = EventReader(run.events).read()
    return any(isinstance(event, TrainEvent) for event in events)


def ended(run: RunDirectory) -> bool:
    return current_status(run).state in ("done", "failed", "lost")


@pytest.fixture(scope="module")
def finished(home):
    """A short run, trained once: (its folder, the finished process)."""
    with pytest.MonkeyPatch.context() as patch:
        isolate(patch, home)
        done = maml("train", "smoke", *SHORT, "--name", "short")
        return find_run("short"), done


@pytest.fixture
def live():
    """An endless run on a sinusoid that trains already."""
    done = maml("train", "sinusoid-5shot", *ENDLESS, "--detach", "-q")
    assert (done.returncode, done.stderr) == (0, "")
    return find_run(done.stdout.strip())


def test_a_run_from_start_to_result(finished):
    run, done = finished
    lines = done.stdout.splitlines()
    assert done.returncode == 0, done.stderr
    assert "\x1b" not in done.stdout + done.stderr
    assert "\r" not in done.stdout
    assert done.stderr.startswith(f"maml: run {run.id} short  dir=")
    assert sum(line.startswith("eval ") and "split=val" in line for line in lines) == 2
    assert any(line.startswith("3*") for line in lines)
    assert "4 test tasks, 5-way 1-shot" in done.stdout


def test_its_result_is_shown_again_and_measured_again(finished):
    run, done = finished
    table = done.stdout[done.stdout.index("\nstep") :]
    assert table in maml("runs", "show", run.id).stdout
    before = {path: path.stat().st_mtime_ns for path in run.path.rglob("*")}
    again = maml("eval", run.id)
    assert again.stdout == table.lstrip("\n")
    assert {path: path.stat().st_mtime_ns for path in run.path.rglob("*")} == before


def test_the_stored_command_gives_the_same_parameters(finished):
    run, _ = finished
    command = json.loads(maml("runs", "show", run.id, "--json").stdout)["command"].split()
    assert command[0] == "maml"
    maml(*command[1:-2], "--name", "again", "--plain")
    hashes = [json.loads(each.result.read_text())["parameters_sha256"] for each in (run, find_run("again"))]
    assert hashes[0] == hashes[1]


def test_a_finished_run_can_be_attached_but_not_resumed(finished):
    run, _ = finished
    attached = maml("attach", run.id, "--json")
    assert attached.returncode == 0
    assert attached.stdout == run.events.read_text()
    assert maml("resume", run.id).returncode == 2


def test_json_is_lines_of_json_and_nothing_else():
    done = maml("train", "smoke", *SHORT, "--json", "-q")
    kinds = [json.loads(line)["kind"] for line in done.stdout.splitlines()]
    assert (kinds[0], kinds[-1], done.stderr) == ("started", "finished", "")


@pytest.mark.parametrize(
    ("words", "code", "part"),
    [
        (["-s", "inner_lrr=1"], 2, "did you mean inner_lr?"),
        (["-s", "data=omniglot", "-s", "classes=100"], 2, "no effect"),
        (["--device", "cuda:99"], 3, "not on this machine"),
        (["--device", "toaster"], 2, "not a device"),
        (["--device", "cuda:99", "--detach"], 3, "not on this machine"),
    ],
)
def test_what_cannot_run_ends_with_its_code_and_one_sentence(words, code, part):
    done = maml("train", "smoke", *words)
    assert done.returncode == code
    assert part in done.stderr
    assert "Traceback" not in done.stderr


def test_missing_data_end_with_3():
    assert maml("train", "omniglot-5w1s").returncode == 3


def test_a_network_that_diverges_ends_with_4():
    done = maml(
        "train", "sinusoid-5shot", "-s", "iterations=400", "-s", "inner_lr=100", "-s", "meta_lr=100", "-q"
    )
    assert done.returncode == 4
    assert "diverged" in done.stderr


def test_pause_resume_checkpoint_stop(live):
    assert maml("pause", live.id).returncode == 0
    assert current_status(live).state == "paused"
    assert maml("pause", live.id).returncode == 2
    assert maml("resume", live.id).returncode == 0
    assert maml("resume", live.id).returncode == 2
    done = maml("ckpt", live.id)
    assert done.returncode == 0
    assert maml("runs", "rm", live.id, "--yes").returncode == 2
    assert maml("stop", live.id).returncode == 0
    wait_until(lambda: ended(live))
    assert current_status(live).state == "done"
    assert live.result.exists()
    assert maml("runs", "rm", live.id, "--yes").returncode == 0
    assert not live.path.exists()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupt_stops_with_a_checkpoint_and_the_run_resumes(number, code):
    with started("train", "sinusoid-5shot", *ENDLESS, "--name", number.name) as process:
        process.stderr.readline()
        run = find_run(number.name)
        wait_until(lambda: trains(run))
        process.send_signal(number)
        said = process.stderr.read()
    iteration = read_status(run).iteration
    assert process.returncode == code
    assert f"stopped at iteration {iteration}; resumable: maml resume {run.id}" in said
    resumed = maml("resume", run.id, "--detach", "-q")
    assert (resumed.returncode, resumed.stdout) == (0, f"{run.id}\n")
    wait_until(lambda: read_status(run).iteration > iteration)
    assert maml("stop", run.id, "--now").returncode == 0
    wait_until(lambda: ended(run))


def test_an_interrupt_of_the_last_measurement_is_one_and_the_run_resumes():
    short = ["-s", "iterations=3", "-s", "eval_every=0", "-s", "eval_tasks=1000000"]
    with started("train", "sinusoid-5shot", *short, "--name", "unmeasured") as process:
        process.stderr.readline()
        run = find_run("unmeasured")
        wait_until(lambda: read_status(run).reason == "measuring on the test tasks")
        process.send_signal(signal.SIGINT)
        said = process.stderr.read()
    assert process.returncode == 130
    assert f"the training is saved; to measure: maml resume {run.id}" in said
    assert not run.result.exists()


def test_what_measures_ends_with_the_command_that_waits_for_it(finished):
    run, _ = finished
    with started("eval", run.id, "--tasks", "10000000") as process:
        command = psutil.Process(process.pid)
        (measuring,) = wait_until(command.children)
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 143
    # Where the signal came before the command knew its process, that ends with its stdin, a little later.
    wait_until(lambda: not measuring.is_running() or measuring.status() == psutil.STATUS_ZOMBIE)


def test_a_killed_worker_is_a_lost_run_that_resumes(live):
    wait_until(lambda: read_status(live).iteration > 50)
    assert maml("stop", live.id, "--kill", "--yes").returncode == 0
    wait_until(lambda: ended(live))
    attached = maml("attach", live.id, "-q")
    assert attached.returncode == 1
    assert f"resumable: maml resume {live.id}" in attached.stderr
    assert maml("resume", live.id, "--detach", "-q").returncode == 0
    started = [event for event in EventReader(live.events).read() if isinstance(event, StartedEvent)]
    assert [event.resumed_from is None for event in started] == [True, False]
    assert (started[1].resumed_from or 0) >= 50


def test_a_worker_killed_under_a_foreground_run_is_told_as_lost():
    with started("train", "sinusoid-5shot", *ENDLESS, "--name", "doomed", "-q") as process:
        wait_until(lambda: "doomed" in maml("runs", "ls").stdout)
        run = find_run("doomed")
        wait_until(lambda: trains(run))
        kill_worker(run)
        said = process.stderr.read()
    assert process.returncode == 1
    assert f"run {run.id} lost" in said
    assert "resumable: maml resume" in said


def heeding_hangup():
    """Start like a program of a terminal, also where the tests themselves run under `nohup`."""
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGKILL])
def test_the_end_of_the_terminal_is_not_the_end_of_the_run(number):
    name = f"left-{number.name}"
    how = {"start_new_session": True, "preexec_fn": heeding_hangup}
    with started("train", "sinusoid-5shot", *ENDLESS, "--name", name, **how) as process:
        process.stderr.readline()
        run = find_run(name)
        wait_until(lambda: trains(run))
        os.killpg(process.pid, number)
    iteration = read_status(run).iteration
    wait_until(lambda: read_status(run).iteration > iteration)


def test_a_reader_that_leaves_does_not_end_the_run():
    words = ("train", "sinusoid-5shot", *ENDLESS, "--name", "piped", "--json", "-q")
    with started(*words, stdout=subprocess.PIPE) as process:
        assert json.loads(process.stdout.readline())["kind"] == "started"
        process.stdout.close()
        assert process.stderr.read() == ""
    run = find_run("piped")
    assert process.returncode == 1
    assert current_status(run).state == "running"


def test_a_terminal_shows_rows_and_the_result_and_no_colour_where_none_is_wanted(terminal):
    window = terminal("train", "smoke", *SHORT, size=(80, 60), NO_COLOR="1")
    assert window.end() == 0
    lines = window.text().splitlines()
    assert sum(" val " in line for line in lines) == 2
    assert any(line.startswith("3*") for line in lines)
    assert not any("━" in line for line in lines)  # the live line has gone
    assert b"\x1b[32m" not in window.written
    assert b"38;" not in window.written


def test_an_interrupt_of_attach_only_detaches(terminal, live):
    window = terminal("attach", live.id, "--plain")
    window.wait_for("iter=")
    window.process.send_signal(signal.SIGINT)
    assert window.end() == 0
    assert f"detached; run {live.id} goes on" in window.text()
    assert current_status(live).state == "running"
