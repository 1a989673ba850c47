"""Many pictures into one array: order, form, what is passed over, what is refused, and word of progress."""

from __future__ import annotations

from io import BytesIO
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from engine.data import loading
from engine.data.listing import list_pictures
from engine.data.loading import guess_form, read_pictures, silent
from engine.data.pictures import Form, decode
from engine.errors import ResourceError

FORM = Form(1, 16)


def read(folder, progress=silent, **how):
    return read_pictures(list_pictures(folder), FORM, progress, **{"skip_broken": False} | how)


def test_pictures_are_grouped_by_class_in_order(put, classes_of):
    files = classes_of("b", "a", each=3)
    found = read(put("x", files))
    assert (found.class_names, found.counts) == (("a", "b"), (3, 3))
    expected = [decode(files[name], name, FORM)[0] for name in sorted(files)]
    np.testing.assert_array_equal(found.images, expected)


def test_an_archive_gives_the_same_pictures(put, classes_of, zip_of, tar_of):
    files = classes_of("b", "a")
    members = dict(reversed(files.items()))
    packed = put("y", {"x.zip": zip_of(members), "x.tgz": tar_of(members)})
    folder = read(put("x", files))
    for archive in packed.iterdir():
        np.testing.assert_array_equal(read(archive).images, folder.images)


def test_what_was_done_is_said(put, classes_of, picture):
    files = classes_of("a", "b", side=16) | {"a/large.png": picture(side=17)}
    files |= {f"notes{n}\x1b.txt": b"" for n in range(5)}
    passed_over, resized = read(put("x", files)).warnings
    assert passed_over.startswith(
        r"'notes0\x1b.txt', 'notes1\x1b.txt', 'notes2\x1b.txt' and 2 more passed over: no"
    )
    assert resized == "1 of 5 pictures were resized to 16x16"


def test_progress_is_told_for_every_picture(put, classes_of):
    told = []
    read(put("x", classes_of("a", "b")), lambda *said: told.append(said))
    assert told == [("read", number, 4) for number in (1, 2, 3, 4)]


def test_broken_pictures_are_refused_or_left_out(put, classes_of):
    broken = {"a/0.png": b"", "b/cut.png": classes_of("b")["b/1.png"][:300]}
    folder = put("x", classes_of("a", "b") | broken)
    with pytest.raises(
        ResourceError, match=r"2 of 5 pictures cannot be read \('a/0\.png' .* empty\)\): repair or remove"
    ):
        read(folder)
    found = read(folder, skip_broken=True)
    assert (found.class_names, found.counts) == (("a", "b"), (1, 2))
    assert len(found.images) == 3
    assert found.warnings[0].endswith(": left out")


def test_a_class_of_broken_pictures_is_refused(put, classes_of):
    folder = put("x", classes_of("a") | {"b/1.png": b"", "c/1.png": b""})
    with pytest.raises(
        ResourceError, match=r"2 of 4 pictures .*, and none of the class 'b' can: repair or remove"
    ):
        read(folder, skip_broken=True)


def test_more_than_memory_holds(put, classes_of, monkeypatch):
    def full(*_, **__):
        raise MemoryError

    monkeypatch.setattr(loading, "np", SimpleNamespace(empty=full, uint8=np.uint8))
    with pytest.raises(
        ResourceError, match=r"2 pictures of 16x16 do not fit into memory: choose a smaller --size"
    ):
        read(put("x", classes_of("a")))


def wide(width, height, mode="L"):
    file = BytesIO()
    Image.new(mode, (width, height)).save(file, "PNG")
    return file.getvalue()


@pytest.mark.parametrize(
    ("files", "form"),
    [
        ([wide(28, 28)], Form(1, 28)),
        ([wide(50, 20), wide(30, 90), wide(40, 40, "1")], Form(1, 30)),
        ([wide(40, 40), wide(40, 40, "RGB")], Form(3, 40)),
        ([wide(640, 480)], Form(1, 84)),
        ([wide(8, 8)], Form(1, 16)),
        ([wide(20, 20), wide(23, 23), b""], Form(1, 21)),
        ([b""], Form(1, 84)),
    ],
)
def test_the_form_is_guessed_from_all_headers(put, files, form):
    listing = list_pictures(put("x", {f"a/{number}.png": content for number, content in enumerate(files)}))
    assert guess_form(listing, None, None, silent) == form
    assert guess_form(listing, 3, None, silent) == Form(3, form.size)
    assert guess_form(listing, None, 50, silent) == Form(form.channels, 50)


def test_what_is_chosen_needs_no_reading(put):
    listing = list_pictures(put("x", {"a/1.png": b""}))
    (put("x", {}) / "a/1.png").unlink()
    assert guess_form(listing, 3, 32, silent) == Form(3, 32)
