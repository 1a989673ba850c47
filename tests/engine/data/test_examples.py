"""A person's own few examples: what is read of them, and in which words what cannot be is refused."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from engine.data.examples import read_points, read_queries, read_support
from engine.data.pictures import Form, decode
from engine.errors import ResourceError, UsageError

FORM = Form(1, 8, ink=True)


def draw(path, shade):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", (16, 16), shade).save(path)


@pytest.fixture
def birds(tmp_path):
    for number, name in enumerate(["owl/1.png", "owl/2.png", "crow/7.png"]):
        draw(tmp_path / "birds" / name, number)
    return tmp_path / "birds"


def test_a_class_is_a_folder_and_may_have_any_number_of_pictures(birds):
    support = read_support(birds, FORM, ways=2)
    assert support.class_names == ("crow", "owl") and support.labels.tolist() == [0, 1, 1]
    assert support.images.shape == (3, 1, 8, 8) and support.images[:, 0, 0, 0].tolist() == [253, 255, 254]
    expected, _ = decode((birds / "owl" / "1.png").read_bytes(), "x", FORM)
    assert np.array_equal(support.images[1], expected)


@pytest.mark.parametrize(("ways", "needed"), [(5, "give it 5"), (1, "has 2 class folders")])
def test_another_number_of_classes_than_the_model_tells_apart_is_refused(birds, ways, needed):
    with pytest.raises(UsageError, match=needed):
        read_support(birds, FORM, ways)


def test_queries_are_files_and_folders(birds, tmp_path):
    draw(tmp_path / "x.png", 9)
    (birds / "notes.txt").write_text("no picture")
    found = read_queries([tmp_path / "x.png", birds], FORM, ("crow", "owl"))
    assert found.files == tuple(
        str(tmp_path / name) for name in ("x.png", "birds/crow/7.png", "birds/owl/1.png", "birds/owl/2.png")
    )
    assert found.images[:, 0, 0, 0].tolist() == [246, 253, 255, 254]
    assert found.labels == ()  # x.png lies in no class's folder


def test_the_folder_of_a_query_may_say_its_class(birds):
    assert read_queries([birds], FORM, ("crow", "owl")).labels == (0, 1, 1)
    assert read_queries([birds / "owl"], FORM, ("bird/owl", "owl")).labels == (1, 1)
    assert read_queries([birds], FORM, ("wl", "crow")).labels == ()


def test_no_queries_are_no_pictures():
    assert read_queries([], FORM, ("a", "b")).images.shape == (0, 1, 8, 8)


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [("x.png", b"no picture", "is not a whole picture"), ("x.txt", b"", "neither a zip nor a tar")],
)
def test_what_is_no_picture_is_named(tmp_path, name, content, expected):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ResourceError, match=expected):
        read_queries([tmp_path / name], FORM, ())


def test_a_folder_without_pictures_and_a_path_to_nothing_are_named(tmp_path):
    with pytest.raises(UsageError, match="has no pictures"):
        read_queries([tmp_path], FORM, ())
    with pytest.raises(UsageError, match="there is nothing at"):
        read_queries([tmp_path / "gone.png"], FORM, ())


@pytest.mark.parametrize("text", ["x,y\n1,2\n-3e-1,4\n", "1,2\n\n-0.3,4", "\ufeff1, 2\r\n-0.3 ,4\r\n"])
def test_points_are_lines_of_numbers_with_or_without_a_heading(tmp_path, text):
    (tmp_path / "points.csv").write_text(text, encoding="utf-8", newline="")
    assert read_points(tmp_path / "points.csv", {2}).tolist() == [[1, 2], [-0.3, 4]]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x,y\n1,2\n1,b", "line 3: it needs 2 finite numbers"),
        ("1,2\n1", "line 2"),
        ("1,nan", "line 1"),
        ("1,1e999", "line 1"),
        ("1\n2", "line 1"),
        ("x,y\n", "has no points"),
        ("", "has no points"),
    ],
)
def test_a_line_that_is_no_point_is_named(tmp_path, text, expected):
    (tmp_path / "points.csv").write_text(text)
    with pytest.raises(UsageError, match=expected):
        read_points(tmp_path / "points.csv", {2})


def test_lines_of_different_lengths_are_refused_even_where_each_would_do(tmp_path):
    (tmp_path / "xs.csv").write_text("1\n1,2")
    with pytest.raises(UsageError, match="line 2: it needs 1 or 2 finite numbers, as many as every line"):
        read_points(tmp_path / "xs.csv", (1, 2))
    with pytest.raises(UsageError, match="there is no file"):
        read_points(tmp_path / "gone.csv", {2})
