from __future__ import annotations

import json
import math

from engine.runs.events import AtStep
from maml_tui.cli.output import (
    Mode,
    choose_mode,
    emit,
    emit_facts,
    emit_json,
    emit_notes,
    emit_result,
    emit_side_by_side,
    emit_table,
    room,
    say,
)
from maml_tui.reports.results import ResultTable


def test_a_pipe_gets_plain_lines_whatever_is_asked():
    assert choose_mode(plain=False, as_json=False) is Mode.PLAIN
    assert choose_mode(plain=True, as_json=False) is Mode.PLAIN
    assert choose_mode(plain=False, as_json=True) is Mode.JSON


def test_a_terminal_gets_the_live_view_unless_it_is_dumb(monkeypatch):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm-256color")
    assert choose_mode(plain=False, as_json=False) is Mode.HUMAN
    assert choose_mode(plain=True, as_json=False) is Mode.PLAIN
    monkeypatch.setenv("TERM", "dumb")
    assert choose_mode(plain=False, as_json=False) is Mode.PLAIN


def test_talk_goes_to_stderr_with_control_characters_escaped(capsys):
    say("one\ntwo \x1b]0;title\x07")
    assert capsys.readouterr() == ("", "maml: one\nmaml: two \\x1b]0;title\\x07\n")


def test_styles_and_escapes_never_reach_a_pipe(capsys):
    emit("a\x1b[2Jb", "bold")
    assert capsys.readouterr().out == "a\\x1b[2Jb\n"


def test_a_table_is_aligned_and_without_trailing_blanks(capsys):
    emit_table(("step", "mse"), [("0", "12.5"), ("10*", "3")], strong=1)
    assert capsys.readouterr().out == "step  mse\n0     12.5\n10*   3\n"


def test_wide_names_leave_columns_aligned(capsys):
    emit_table(("class", "images"), [("ふくろう", "20"), ("owl", "7")])
    emit_facts([("種", "owl"), ("tags", "two words")], "")
    assert capsys.readouterr().out.splitlines() == [
        "class     images",
        "ふくろう  20",
        "owl       7",
        "種    owl",
        "tags  two words",
    ]


def test_a_result_is_its_tables_and_their_notes(capsys):
    emit_result([ResultTable(("step",), (("0",),), 0, ("a note",))])
    assert capsys.readouterr().out == "step\n0\na note\n"
    emit_result([ResultTable(("a",), (("0",),), 0, ()), ResultTable(("b",), (("1",),), 0, ("a note",))])
    assert capsys.readouterr().out == "a\n0\n\nb\n1\na note\n"


def test_words_that_have_no_room_are_wrapped_in_a_terminal_only(capsys, terminal):
    def shown():
        emit_table(("name", "about"), [("a", "one two three four five six seven"), ("b", "-")])
        emit_notes(["half of the interval of the mean over-all"])
        return capsys.readouterr().out.splitlines()

    assert len(shown()) == 4
    terminal(30)
    assert shown() == [
        "name  about",
        "a     one two three four five",
        "      six seven",
        "b     -",
        "half of the interval of the",
        "  mean over-all",
    ]
    terminal(20)
    assert shown()[1] == "a     one two three four five six seven"


def test_facts_are_wrapped_but_what_is_to_be_copied(capsys, terminal):
    terminal(30)
    emit_facts([("files", "one two three four five six seven"), ("command", "maml train " * 4)], "command")
    assert capsys.readouterr().out.splitlines() == [
        "files    one two three four",
        "         five six seven",
        "command  " + "maml train " * 4,
    ]


def test_columns_without_room_follow_below_in_a_terminal_only(capsys, terminal):
    def shown():
        emit_side_by_side(("", "A 7f3a", "B 51ee", "C 9a10"), [("seed", "1", "2", "3")])
        return capsys.readouterr().out.splitlines()

    assert shown() == ["      A 7f3a  B 51ee  C 9a10", "seed  1       2       3"]
    terminal(20)
    assert shown() == ["      A 7f3a  B 51ee", "seed  1       2", "", "      C 9a10", "seed  3"]
    terminal(3)
    assert len(shown()) == 8


def test_a_terminal_has_as_much_room_as_it_says_and_a_pipe_any(monkeypatch):
    monkeypatch.setenv("COLUMNS", "72")
    assert room() > 10_000
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    assert room() == 72


def test_a_terminal_gets_styles(capsys, monkeypatch):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("FORCE_COLOR", "1")
    emit("headline", "bold")
    assert capsys.readouterr().out == "\x1b[1mheadline\x1b[0m\n"


def test_json_has_no_numbers_that_are_not_finite(capsys):
    diverged = AtStep(step=1, mean=math.nan, ci95=math.inf, median=0.5, diverged=3)
    emit_json([diverged, {"loss": -math.inf, "name": "ふくろう"}])
    written = capsys.readouterr().out
    first, second = json.loads(written, parse_constant=lambda name: name)
    assert (first["mean"], first["ci95"], first["median"], first["diverged"]) == (None, None, 0.5, 3)
    assert second == {"loss": None, "name": "ふくろう"}
    assert "ふくろう" in written
