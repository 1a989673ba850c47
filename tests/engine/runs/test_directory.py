from __future__ import annotations

import subprocess
import sys
import tomllib

import pytest

from engine.errors import ResourceError, UsageError
from engine.runs import directory
from engine.runs.directory import check_name, create_run
from engine.runs.index import list_runs
from engine.runs.status import read_status


def test_a_new_run_is_queued_and_knows_its_id(run):
    assert tomllib.loads(run.config.read_text()) == {"run": {"id": run.id}}
    status = read_status(run)
    assert (status.state, status.name, status.created) == ("queued", "demo", 1000.0)
    assert run.control.is_dir()
    assert run.checkpoints.is_dir()
    assert run.path.stat().st_mode & 0o777 == 0o700


def test_every_file_lies_in_the_folder(run):
    files = [run.config, run.events, run.status, run.result, run.scores, run.log, run.lock]
    files += [run.control, run.checkpoints]
    assert {file.parent for file in files} == {run.path}
    assert len({file.name for file in files}) == len(files)


@pytest.mark.parametrize("name", ["a", "omniglot-5w1s.v2_x", "0" * 64])
def test_plain_names_are_taken(name):
    assert check_name(name) == name


@pytest.mark.parametrize("name", ["", "0" * 65, "a/b", "..", "-x", "@last", "a b", "a\n", "\x1b[31m", "é"])
def test_other_names_are_refused_with_their_control_characters_escaped(name, tmp_path):
    with pytest.raises(UsageError, match="cannot name a run") as caught:
        create_run(name, str, tmp_path)
    assert str(caught.value).isprintable()
    assert not list(tmp_path.iterdir())


def test_a_failing_config_leaves_no_folder(tmp_path):
    def fail(_: str) -> str:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        create_run("demo", fail, tmp_path)
    assert not list(tmp_path.iterdir())


def test_only_halves_of_the_workers_files_are_removed(tmp_path):
    run = create_run("demo", str, tmp_path)
    halves = [run.path / ".status.json.a_b1c2d3", run.checkpoints / ".iter-00000003-8b5b9db0.pt.pp3iaizu"]
    others = [run.path / ".tags.json.abcdefgh", run.path / ".DS_Store", run.checkpoints / ".nfs0001"]
    for path in (*halves, *others):
        path.write_text("x")
    run.remove_halves()
    assert [path.exists() for path in (*halves, *others)] == [False, False, True, True, True]


def test_ids_grow_when_short_ones_are_taken(tmp_path, monkeypatch):
    monkeypatch.setattr(directory.secrets, "token_hex", lambda count: "ab" * count)
    ids = [create_run("demo", str, tmp_path).id for _ in range(3)]
    assert ids == ["abab", "ababab", "abababab"]
    with pytest.raises(ResourceError, match="No free run id"):
        create_run("demo", str, tmp_path)


def test_two_processes_never_share_a_folder(tmp_path):
    # One hex digit twice over leaves few ids, so the two processes must collide.
    program = (
        "import sys, random, pathlib\n"
        "from engine.runs import directory\n"
        "directory.secrets.token_hex = lambda count: random.choice('0123456789abcdef') * 2 * count\n"
        "directory._TRIES_PER_LENGTH = 1000\n"
        "print(*(directory.create_run('demo', str, pathlib.Path(sys.argv[1])).id for _ in range(20)))\n"
    )
    command = [sys.executable, "-c", program, str(tmp_path)]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    ids = [run_id for process in both for run_id in process.communicate()[0].split()]
    assert len(ids) == len(set(ids)) == len(list_runs(tmp_path)) == 40
