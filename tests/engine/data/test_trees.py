"""Folders and archives look alike, and nothing outside of them is ever seen."""

from __future__ import annotations

import os
import tarfile

import pytest

from engine.data import trees
from engine.data.trees import FolderTree, open_tree
from engine.errors import ResourceError, UsageError

FILES = {"a/1.png": b"one", "a/b/2.png": b"two", "notes.txt": b"three"}
HIDDEN = {".DS_Store": b"", "a/.thumbs/1.png": b"", "__MACOSX/a/._1.png": b""}


@pytest.fixture
def all_trees(put, zip_of, tar_of):
    members = FILES | HIDDEN
    put("packed", {"x.zip": zip_of(members), "x.tgz": tar_of({f"./{n}": c for n, c in members.items()})})
    return [open_tree(put("folder", members)), *map(open_tree, sorted(put("packed", {}).iterdir()))]


def test_all_trees_show_the_same_files_and_no_hidden_ones(all_trees):
    for tree in all_trees:
        assert tree.names() == sorted(FILES)


def test_only_what_is_wanted_is_read(all_trees):
    for tree in all_trees:
        assert dict(tree.read(["notes.txt", "a/b/2.png"])) == {"a/b/2.png": b"two", "notes.txt": b"three"}


def test_nothing_there(tmp_path):
    with pytest.raises(UsageError, match=r"there is nothing at .*x\\n"):
        open_tree(tmp_path / "x\n")


@pytest.mark.parametrize("target", ["/etc", "/etc/passwd", "nowhere", "../folder"])
def test_links_are_named(put, target):
    folder = put("folder", FILES)
    (folder / "a" / "way").symlink_to(target)
    with pytest.raises(ResourceError, match="a/way is a link"):
        FolderTree(folder).names()


def test_a_name_that_leads_out_is_not_read(put):
    folder = put("folder", FILES)
    put("secret", {"key.png": b"x"})
    (folder / "way").symlink_to(folder.parent / "secret")
    for name in ("../secret/key.png", "way/key.png", str(folder.parent / "secret/key.png")):
        with pytest.raises(ResourceError, match="leads out of"):
            list(FolderTree(folder).read([name]))


def test_a_pipe_is_no_file(put):
    folder = put("folder", FILES)
    os.mkfifo(folder / "pipe.png")
    assert FolderTree(folder).names() == sorted(FILES)


@pytest.mark.parametrize("name", ["../x.png", "a/../../x.png", "/x.png"])
def test_archives_with_members_that_lead_outside(put, zip_of, tar_of, name):
    for archive in put("packed", {"x.zip": zip_of({name: b""}), "x.tgz": tar_of({name: b""})}).iterdir():
        with pytest.raises(ResourceError, match="is a link or leads outside"):
            open_tree(archive).names()


def test_archives_with_links(tmp_path):
    with tarfile.open(tmp_path / "x.tar", "w") as archive:
        link = tarfile.TarInfo("a/x.png")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    with pytest.raises(ResourceError, match=r"'a/x\.png', which is a link"):
        open_tree(tmp_path / "x.tar").names()


def test_files_that_are_too_large(put, zip_of, monkeypatch):
    monkeypatch.setattr(trees, "_MAX_FILE", 2)
    folder = put("folder", FILES | {"x.zip": zip_of(FILES)})
    for tree in (FolderTree(folder), open_tree(folder / "x.zip")):
        with pytest.raises(ResourceError, match="is larger than 2 bytes"):
            list(tree.read(["a/1.png"]))


def test_what_cannot_be_read_is_named(put):
    with pytest.raises(ResourceError, match=r"cannot read .*gone\.png"):
        list(FolderTree(put("folder", FILES)).read(["gone.png"]))
    with pytest.raises(ResourceError, match="neither a zip nor a tar"):
        open_tree(put("folder", {}) / "notes.txt").names()


def test_a_damaged_archive(put, zip_of):
    whole = zip_of(FILES)
    with pytest.raises(ResourceError, match="damaged or was cut short"):
        open_tree(put("cut", {"x.zip": whole[: len(whole) // 2]}) / "x.zip").names()
