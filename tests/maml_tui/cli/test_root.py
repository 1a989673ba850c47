from __future__ import annotations

import subprocess
import sys

import pytest

import maml_tui.cli
from engine.errors import ResourceError, UsageError
from maml_tui import __version__
from maml_tui.cli.root import COMMANDS

HEAVY = {"torch", "textual", "numpy", "rich", "pydantic"}


@pytest.mark.parametrize("argument", ["--version", "-V", "--help", "-h"])
def test_the_first_words_load_nothing_heavy(argument):
    script = (
        "import sys; from maml_tui.cli import run\n"
        f"code = run([{argument!r}])\n"
        "sys.exit(code or ' '.join(sorted(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert not set(done.stderr.split()) & HEAVY
    assert "typer" in done.stderr.split()


@pytest.mark.parametrize(
    "command",
    [
        "presets ls",
        "runs ls",
        "train -h",
        "stop -h",
        "train sinusoid-5shot --dry-run",
        "docs",
        "docs training",
    ],
)
def test_commands_that_compute_nothing_load_neither_torch_nor_rich(command):
    script = (
        f"import sys; from maml_tui.cli import run; run({command.split()!r}); sys.exit(' '.join(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert not set(done.stderr.split()) & {"torch", "textual", "rich", "numpy"}


def test_the_version(maml):
    assert maml("--version") == (0, f"maml-tui {__version__}\n", "")


def test_without_a_terminal_the_bare_name_says_which_commands_to_use(maml):
    code, out, err = maml()
    assert code == 2
    assert out == ""
    assert "maml train PRESET --plain" in err


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_a_help_with_an_example(maml, name):
    code, out, _ = maml(name, "-h")
    assert code == 0
    assert "Example" in out or name == "data"
    assert COMMANDS[name].help.rstrip(".")


def test_a_misspelt_command_is_answered_with_the_nearest(maml):
    code, _, err = maml("trian")
    assert code == 2
    assert "'train'" in err


@pytest.fixture
def failing(monkeypatch):
    def make(error):
        def dispatch(_):
            raise error

        monkeypatch.setattr(maml_tui.cli, "_dispatch", dispatch)

    return make


@pytest.mark.parametrize(("error", "code"), [(UsageError, 2), (ResourceError, 3)])
def test_a_known_failure_is_one_line_for_each_problem(maml, failing, error, code):
    failing(error("first\nsecond \x1b[31m"))
    assert maml("x") == (code, "", "maml: first\nmaml: second \\x1b[31m\n")


def test_an_interrupt_ends_quietly(maml, failing):
    failing(KeyboardInterrupt())
    assert maml("x") == (130, "", "")


def test_a_defect_leaves_a_crash_log_and_no_traceback(maml, failing, home):
    failing(ZeroDivisionError("one / nothing"))
    code, out, err = maml("x")
    (log,) = home.glob("crash-*.log")
    assert (code, out) == (1, "")
    assert str(log) in err
    assert len(err.splitlines()) == 1
    assert "Traceback" in log.read_text()


def test_a_defect_is_told_even_where_nothing_can_be_written(maml, failing, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("MAML_STATE_DIR", str(tmp_path / "file" / "state"))
    failing(ZeroDivisionError("one / nothing"))
    code, _, err = maml("x")
    assert code == 1
    assert "one / nothing" in err
    assert "no details could be kept" in err


def test_a_defect_is_raised_for_developers(maml, failing, monkeypatch):
    monkeypatch.setenv("MAML_DEBUG", "1")
    failing(ZeroDivisionError("one / nothing"))
    with pytest.raises(ZeroDivisionError):
        maml("x")


def test_a_reader_that_has_left_is_no_failure_to_talk_about():
    script = (
        "from maml_tui.cli import main; import sys; sys.argv = ['maml', 'presets', 'show', 'smoke']; main()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 1
