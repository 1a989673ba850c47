from __future__ import annotations

import pytest

from engine.errors import ResourceError, UsageError
from engine.runs.tags import Tags, change_tags, read_tags, tags_path, write_tags


def test_a_run_has_none_at_first(run):
    assert read_tags(run) == Tags()


def test_what_is_written_is_read(run):
    assert write_tags(run, ["paper", "v1.2", "paper"], " first try ") == read_tags(run)
    assert read_tags(run) == Tags(tags=("paper", "v1.2"), note="first try")


def test_tags_are_added_and_taken_off_and_the_note_stays(run):
    write_tags(run, ["paper", "slow"], "keep me")
    assert change_tags(run, add=["new"], remove=["slow"]) == Tags(tags=("paper", "new"), note="keep me")
    assert change_tags(run, note="").note == ""


def test_a_tag_that_is_not_there_cannot_be_taken_off(run):
    write_tags(run, ["paper"], "")
    with pytest.raises(UsageError, match=r"no tag 'papr' .did you mean paper"):
        change_tags(run, add=["new"], remove=["papr"])
    assert read_tags(run).tags == ("paper",)


@pytest.mark.parametrize("tag", ["", "-x", "two words", "a" * 33, "\x1b[31m", "ä"])
def test_what_cannot_be_a_tag(run, tag):
    with pytest.raises(UsageError, match="cannot be a tag") as raised:
        write_tags(run, [tag], "")
    assert str(raised.value).isprintable()
    assert not tags_path(run).exists()


def test_there_is_a_most(run):
    with pytest.raises(UsageError, match="at most 16"):
        write_tags(run, [f"tag{n}" for n in range(17)], "")


@pytest.mark.parametrize("note", ["two\nlines", "\x1b[2J", "x" * 401])
def test_a_note_is_one_line(run, note):
    with pytest.raises(UsageError, match="one line"):
        write_tags(run, [], note)


@pytest.mark.parametrize("text", ["", "{", '{"tags": ["two words"]}', '{"v": 2}', "[" * 9000])
def test_damaged_tags_are_told_of(run, text):
    tags_path(run).write_text(text)
    with pytest.raises(ResourceError, match=r"tags\.json"):
        read_tags(run)


def test_fields_of_a_newer_version_are_ignored(run):
    tags_path(run).write_text('{"v": 1, "tags": ["a"], "colour": "red"}')
    assert read_tags(run).tags == ("a",)
