"""Which picture is of which class, from folders and from CSV files."""

from __future__ import annotations

import os
from contextlib import suppress

import pytest

from engine.data.listing import list_pictures
from engine.errors import ResourceError, UsageError


def listed(path):
    return {file: (name, part) for file, name, part in list_pictures(path).pictures}


def empty(*names):
    return dict.fromkeys(names, b"")


def test_the_class_is_the_path_below_what_all_have_in_common(put):
    folder = put(
        "x", empty("data/birds/owl/1.jpg", "data/birds/owl/2.PNG", "data/fish/3.webp", "data/readme.md")
    )
    listing = list_pictures(folder)
    assert listed(folder) == {
        "data/birds/owl/1.jpg": ("birds/owl", ""),
        "data/birds/owl/2.PNG": ("birds/owl", ""),
        "data/fish/3.webp": ("fish", ""),
    }
    assert listing.passed_over == ("data/readme.md",)
    assert [picture.class_name for picture in listing.pictures] == ["birds/owl", "birds/owl", "fish"]


def test_a_class_may_lie_in_another(put):
    assert listed(put("x", empty("owl/1.png", "owl/snowy/2.png"))) == {
        "owl/1.png": ("owl", ""),
        "owl/snowy/2.png": ("owl/snowy", ""),
    }


def test_pictures_outside_class_folders_are_passed_over(put):
    listing = list_pictures(put("x", empty("preview.png", "owl/1.png", "eel/1.png")))
    assert listing.passed_over == ("preview.png",)
    assert len(listing.pictures) == 2


def test_folders_archives_and_their_order_do_not_matter(put, zip_of, tar_of):
    files = empty("b/2.png", "a/1.png", "a/0.png")
    put("packed", {"x.zip": zip_of(files), "y.tgz": tar_of({f"top/{n}": c for n, c in files.items()})})
    found = [listed(put("x", files)), listed(put("packed", {}) / "x.zip")]
    assert found[0] == found[1]
    assert list(found[0]) == ["a/0.png", "a/1.png", "b/2.png"]
    assert list(listed(put("packed", {}) / "y.tgz").values()) == list(found[0].values())


def test_top_folders_may_say_the_parts(put):
    folder = put("x", empty("Train/owl/1.png", "valid/big/eel/1.png", "test/ray/1.png", "test/stray.png"))
    assert listed(folder) == {
        "Train/owl/1.png": ("owl", "train"),
        "valid/big/eel/1.png": ("big/eel", "val"),
        "test/ray/1.png": ("ray", "test"),
    }


def test_some_of_the_parts_are_no_split(put):
    with pytest.raises(ResourceError, match="has the top folders test, train but none for val"):
        list_pictures(put("x", empty("train/owl/1.png", "test/eel/1.png")))


def test_a_class_may_be_called_train(put):
    assert listed(put("x", empty("train/1.png", "bus/1.png", "test/1.png")))["train/1.png"] == ("train", "")


@pytest.mark.parametrize("name", ["great owl", "filin\nпугач", "ふくろう", "a'b\"c", "owl.d", "\x1b[31m"])
def test_class_names_are_kept_as_they_are(put, zip_of, name):
    files = empty(f"{name}/1.png", "eel/1.png")
    assert listed(put("x", files))[f"{name}/1.png"] == (name, "")
    assert listed(put("y", {"x.zip": zip_of(files)}) / "x.zip")[f"{name}/1.png"] == (name, "")


@pytest.mark.parametrize("twin", ["uhu\u0308 ", " uh\u00fc", "uhu\u0308"])
def test_two_classes_that_look_alike_are_refused(put, twin):
    with pytest.raises(ResourceError, match="two classes that both look like 'uh\u00fc'"):
        list_pictures(put("x", empty("uh\u00fc/1.png", f"{twin}/2.png")))


def test_letters_that_differ_in_case_are_two_classes(put):
    assert {name for name, _ in listed(put("x", empty("a/1.png", "A/1.png"))).values()} == {"a", "A"}


def test_a_name_that_is_no_text_is_refused(put):
    folder = put("x", empty("eel/1.png"))
    with suppress(OSError):  # a file system that knows only UTF-8 needs no test
        put("x", empty(f"{os.fsdecode(bytes([255]))}/1.png"))
    if len(list(folder.iterdir())) == 1:
        pytest.skip("this file system refuses names that are not UTF-8")
    with pytest.raises(ResourceError, match=r"the class '\\udcff' is not named in UTF-8"):
        list_pictures(folder)


def test_one_member_twice(put, zip_of):
    path = put("x", {"x.zip": zip_of(empty("owl/1.png", "owl/2.png")).replace(b"owl/2", b"owl/1")}) / "x.zip"
    with pytest.raises(ResourceError, match=r"has 'owl/1\.png' twice"):
        list_pictures(path)


CSV = b"\xef\xbb\xbfPath,label,note\n1.png,owl,\nsub/2.png,eel,x\n"


def test_a_csv_file_says_the_classes(put, zip_of):
    files = {"labels.csv": CSV, **empty("1.png", "images/sub/2.png", "other.png")}
    expected = {"1.png": ("owl", ""), "images/sub/2.png": ("eel", "")}
    folder = put("x", files)
    assert listed(folder / "labels.csv") == listed(folder) == expected
    packed = put("y", {"x.zip": zip_of({f"top/{n}": c for n, c in files.items()})})
    assert listed(packed / "x.zip") == {f"top/{name}": found for name, found in expected.items()}


def test_three_csv_files_say_the_parts_too(put):
    files = {
        f"{part}.csv": f"filename,label\n{part}.jpg,c{part}\n".encode() for part in ("train", "val", "test")
    }
    pictures = {"train.jpg": "train.jpg", "val.jpg": "images/val.jpg", "test.jpg": "test/ctest/test.jpg"}
    folder = put("x", files | empty(*pictures.values()))
    assert listed(folder) == {place: (f"c{name[:-4]}", name[:-4]) for name, place in pictures.items()}
    assert listed(folder / "train.csv") == {"train.jpg": ("ctrain", "")}


def test_a_csv_file_of_something_else_is_no_list(put):
    assert listed(put("x", {"meta.csv": b"when,where\n1,2\n", **empty("owl/1.png", "eel/1.png")}))[
        "owl/1.png"
    ] == ("owl", "")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"path,label\n1.png,owl\n3.png,eel\n", r"/x/labels\.csv names '3\.png', which is not there"),
        (b"path,label\n1.png,owl\n1.png,eel\n", r"/x/labels\.csv has '1\.png' twice"),
        (b"path,label\n1.png,owl\n\n1.png\n", "line 4: it needs a file and a class"),
        (b"path,label\n1.png,\n", "line 2: it needs a file and a class"),
        (b"path,label\n\xff.png,owl\n", "is no CSV file in UTF-8"),
        (b'path,label\n"' + b"x" * 200_000, "is no CSV file in UTF-8"),
        (b"1.png,owl\n", "add the line `path,label`"),
        (b"", "add the line `path,label`"),
    ],
)
def test_a_bad_csv_file_is_named(put, content, words):
    folder = put("x", {"labels.csv": content, "1.png": b""})
    with pytest.raises((ResourceError, UsageError), match=words):
        list_pictures(folder / "labels.csv")


def test_a_csv_file_cannot_lead_outside(put, zip_of):
    put("secret", {"key.png": b"x"})
    folder = put("x", {"labels.csv": b"path,label\n../secret/key.png,owl\n"})
    listing = list_pictures(folder / "labels.csv")
    with pytest.raises(ResourceError, match="leads out of"):
        list(listing.tree.read([picture.file for picture in listing.pictures]))


def test_several_lists_are_one_too_many(put):
    with pytest.raises(ResourceError, match=r"several lists of pictures \(a\.csv, b\.csv\)"):
        list_pictures(put("x", {"a.csv": CSV, "b.csv": CSV}))


def test_nothing_there(tmp_path):
    with pytest.raises(UsageError, match="there is nothing at"):
        list_pictures(tmp_path / "x.csv")


@pytest.mark.parametrize("files", [empty("a/x.txt"), empty("notes.txt", "1.png"), {"x.csv": b"path,label\n"}])
def test_no_pictures_in_classes(put, files):
    folder = put("x", files)
    with pytest.raises(ResourceError, match="has no pictures in class folders"):
        list_pictures(folder)
