from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from engine.errors import ResourceError
from engine.files import explain_os_errors, private_dir, read_bounded, write_atomic
from engine.text import printable


def test_text_and_bytes_are_written_and_replaced(tmp_path):
    path = tmp_path / "file"
    write_atomic(path, "naïve")
    assert path.read_bytes() == "naïve".encode()
    write_atomic(path, b"\x00\xff")
    assert path.read_bytes() == b"\x00\xff"
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("step", ["os.fsync", "pathlib.Path.replace"])
def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch, step):
    path = tmp_path / "file"
    path.write_text("old")

    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(step, fail)
    with pytest.raises(ResourceError, match="disk is full"):
        write_atomic(path, "new")
    monkeypatch.undo()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_and_the_parents_made_for_it_are_private(tmp_path):
    private_dir(tmp_path / "a" / "b")
    assert [(tmp_path / name).stat().st_mode & 0o777 for name in ("a", "a/b")] == [0o700, 0o700]
    private_dir(tmp_path / "a")


def test_content_reaches_the_disk_before_it_takes_the_name(tmp_path, monkeypatch):
    order: list[str] = []
    fsync, replace = os.fsync, Path.replace
    monkeypatch.setattr(os, "fsync", lambda fd: (order.append("sync"), fsync(fd)))
    monkeypatch.setattr(Path, "replace", lambda self, to: (order.append("rename"), replace(self, to)))
    write_atomic(tmp_path / "file", "x")
    assert order == ["sync", "rename", "sync"]


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "disk is full"),
        (errno.EROFS, "read-only"),
        (errno.EACCES, "permission is denied"),
        (errno.ENOTDIR, "not a directory"),
    ],
)
def test_os_errors_become_one_sentence(number, words):
    with pytest.raises(ResourceError, match=words) as caught, explain_os_errors("write a\x1bb"):
        raise OSError(number, os.strerror(number))
    assert str(caught.value).startswith("Cannot write a\\x1bb: ")
    assert str(caught.value).endswith(".")


def test_other_errors_pass_through():
    with pytest.raises(KeyError), explain_os_errors("do it"):
        raise KeyError


def test_a_private_folder_is_made_with_its_parents(tmp_path):
    path = private_dir(tmp_path / "a" / "b")
    assert path.stat().st_mode & 0o777 == 0o700
    assert private_dir(path) == path


def test_a_folder_where_a_file_stands_is_explained(tmp_path):
    (tmp_path / "a").write_text("")
    with pytest.raises(ResourceError, match="Cannot make the folder"):
        private_dir(tmp_path / "a" / "b")


def test_a_bounded_read_refuses_large_files(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"12345")
    assert read_bounded(path, 5) == b"12345"
    with pytest.raises(OSError, match="larger than 4 bytes"):
        read_bounded(path, 4)


def test_control_characters_and_undecodable_bytes_are_escaped():
    assert printable("a\x1b[31m\nß\udcff\u202e") == "a\\x1b[31m\\nß\\udcff\\u202e"
