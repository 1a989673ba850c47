import io
import subprocess
import sys
from pathlib import Path

import pytest

from engine.errors import UsageError
from maml_tui.app.terminal import Terminal, prepare_textual, require_terminal
from maml_tui.plotting import Charset


class Tty(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(
    ("environment", "streams"),
    [
        ({"TERM": "xterm"}, (io.StringIO(), Tty())),
        ({"TERM": "xterm"}, (Tty(), io.StringIO())),
        ({"TERM": "xterm"}, (None, Tty())),
        ({"TERM": "dumb"}, (Tty(), Tty())),
        ({}, (Tty(), Tty())),
    ],
)
def test_without_a_terminal_it_is_said_which_commands_to_use(environment, streams):
    with pytest.raises(UsageError, match=r"maml train PRESET --plain.*maml attach RUN --plain"):
        require_terminal(environment, streams)


def test_a_terminal_will_do():
    require_terminal({"TERM": "xterm-256color"}, (Tty(), Tty()))


@pytest.mark.parametrize(
    ("encoding", "charset"), [("UTF-8", Charset.UNICODE), ("ANSI_X3.4-1968", Charset.ASCII)]
)
def test_the_locale_decides_on_the_characters(encoding, charset):
    assert Terminal.of({}, encoding).charset is charset


@pytest.mark.parametrize(
    ("environment", "charset"),
    [
        ({"LANG": "C"}, Charset.ASCII),
        ({"LANG": "en_GB.UTF-8", "LC_ALL": "POSIX"}, Charset.ASCII),
        ({}, Charset.UNICODE),
        ({"TERM": "linux"}, Charset.BLOCK),
    ],
)
def test_the_c_locale_is_taken_at_its_word_only_where_it_was_asked_for(environment, charset):
    question = (
        "from maml_tui.app.terminal import Terminal; import os; print(Terminal.of(os.environ).charset.value)"
    )
    answer = subprocess.run(
        [sys.executable, "-c", question],
        env=environment,
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        check=True,
    )
    assert answer.stdout.strip() == charset


def test_an_unheard_of_encoding_is_not_trusted():
    assert Terminal.of({}, "klingon").charset is Charset.ASCII


def test_no_color_counts_when_it_is_not_empty():
    assert Terminal.of({"NO_COLOR": "1"}, "utf-8").colourless
    assert not Terminal.of({"NO_COLOR": ""}, "utf-8").colourless


def test_an_empty_no_color_is_hidden_from_textual_which_would_take_it_for_one():
    environment = {"NO_COLOR": ""}
    prepare_textual(environment, Terminal.of(environment, "utf-8"))
    assert environment == {}


def test_over_ssh_textual_is_told_to_be_quiet_unless_a_person_said_otherwise():
    environment = {"SSH_TTY": "/dev/pts/1", "TEXTUAL_FPS": "60"}
    prepare_textual(environment, Terminal.of(environment, "utf-8"))
    assert environment["TEXTUAL_ANIMATIONS"] == "none"
    assert environment["TEXTUAL_FPS"] == "60"


def test_a_local_terminal_keeps_textual_as_it_is():
    environment = {}
    prepare_textual(environment, Terminal.of(environment, "utf-8"))
    assert environment == {}
