"""MiniImagenet from every layout that people have: the same set, checked, or a sentence about what is wrong."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from engine.data import miniimagenet, store
from engine.data.miniimagenet import import_copy as import_miniimagenet
from engine.data.pictures import Form, decode
from engine.data.splits import load_split
from engine.errors import ResourceError, UsageError

SHARED = Path(__file__).parents[4] / "shared/data"
SPLIT = load_split("miniimagenet-64-16-20")
EACH = 2


@pytest.fixture(autouse=True)
def _two_pictures_of_a_class(monkeypatch):
    monkeypatch.setattr(miniimagenet, "_PICTURES", EACH)


@pytest.fixture
def pictures(picture):
    """`{(part, class, file): bytes}`: 84x84 PNGs, all different."""
    names = [
        (part, c, f"{c}0000{n}.png")
        for part, classes in SPLIT.parts().items()
        for c in classes
        for n in range(EACH)
    ]
    return {name: picture(number, side=84) for number, name in enumerate(names)}


@pytest.fixture
def caches(pictures):
    """`{part: [(class, pixels)]}`, the pixels `[84, 84, 3]`."""
    form = Form(3, 84)
    return {
        part: [
            (c, decode(content, file, form)[0].transpose(1, 2, 0))
            for (where, c, file), content in pictures.items()
            if where == part
        ]
        for part in SPLIT.parts()
    }


def cache(found):
    names = [name for name, _ in found]
    positions = {name: [n for n, other in enumerate(names) if other == name] for name in names}
    return {"image_data": np.stack([pixels for _, pixels in found]), "class_dict": positions}


def labelled(found, first):
    numbers = {name: first + n for n, name in enumerate(dict.fromkeys(name for name, _ in found))}
    return {
        "data": np.stack([pixels for _, pixels in found]),
        "labels": [numbers[name] for name, _ in found],
        "catname2label": numbers,
    }


@pytest.fixture
def routes(put, pictures, caches, zip_of):
    folders = {f"{part}/{c}/{file}": content for (part, c, file), content in pictures.items()}
    lists = {
        f"{part}.csv": "filename,label\n"
        + "".join(f"{file},{c}\n" for where, c, file in pictures if where == part)
        for part in SPLIT.parts()
    }
    lists = {name: text.encode() for name, text in lists.items()}
    flat = {f"images/{file}": content for (_, _, file), content in pictures.items()}
    pickles = {
        f"mini-imagenet-cache-{part}.pkl": pickle.dumps(cache(found)) for part, found in caches.items()
    }
    prefix = "miniImageNet_category_split_"
    others = {
        f"{prefix}{'train_phase_train' if part == 'train' else part}.pickle": pickle.dumps(
            labelled(found, first), 2
        )
        for first, (part, found) in zip((0, 64, 80), caches.items(), strict=True)
    }
    more = {f"{prefix}train_phase_val.pickle": b"other pictures of the training classes"}
    return {
        "folders": put("folders", folders),
        "folders of classes": put("classes", {name.partition("/")[2]: c for name, c in folders.items()}),
        "zip of folders": put("zip", {"x.zip": zip_of({f"mini/{n}": c for n, c in folders.items()})})
        / "x.zip",
        "flat with lists": put("flat", flat | lists),
        "zip of flat": put("zip", {"flat.zip": zip_of(flat | lists)}) / "flat.zip",
        "folders with lists left over": put("both", folders | lists),
        "folders with more": put(
            "more",
            {f"train_{n}" if n.startswith("train") else n: c for n, c in folders.items()}
            | {n.replace("train/", "train_val/"): b"x" for n in folders if n.startswith("train/")},
        ),
        "caches": put("caches", pickles),
        "one cache": put("caches", {}) / "mini-imagenet-cache-val.pkl",
        "labelled caches": put("labelled", others | more),
    }


def test_every_route_gives_the_same_set(routes):
    hashes = {route: import_miniimagenet(path).image_set.content_hash for route, path in routes.items()}
    assert len(set(hashes.values())) == 1, hashes


def test_what_is_imported_is_complete_and_can_be_split(routes, caches):
    told = []
    imported = import_miniimagenet(routes["caches"], lambda *said: told.append(said))
    assert imported.warnings == () and told[-1] == ("read", 100, 100)
    found = store.verify("miniimagenet")
    assert found.images.shape == (200, 3, 84, 84) and found.classes == 100 and found.split is None
    first = min(SPLIT.train + SPLIT.val + SPLIT.test)
    pixels = next(pixels for c, pixels in caches["train"] if c == first)
    np.testing.assert_array_equal(found.images[0], pixels.transpose(2, 0, 1))


def test_other_sizes_are_resized_and_told(put, picture, pictures):
    files = {f"{part}/{c}/{file}": content for (part, c, file), content in pictures.items()}
    files[next(iter(files))] = picture(side=200)
    assert import_miniimagenet(put("x", files)).warnings == ("1 of 200 pictures were resized to 84x84",)


def test_what_deviates_is_told(put, pictures):
    files = {f"{part}/{c}/{file}": content for (part, c, file), content in pictures.items()}
    one, other = SPLIT.train[0], SPLIT.test[0]
    files[f"test/{other}/twin.png"] = files[f"train/{one}/{one}00000.png"]
    files["train/n00000000/1.png"] = b"another class"
    warnings = "\n".join(import_miniimagenet(put("x", files)).warnings)
    assert f"classes without the 2 pictures that are published: 1 ({other} has 3)" in warnings
    assert "in two parts of the split 'miniimagenet-64-16-20', which flatters results: 1, " in warnings
    assert f"'{one}' (train)" in warnings and f"'{other}' (test)" in warnings
    assert "'train/n00000000/1.png' passed over" in warnings


def refuse(path, words, kind=ResourceError):
    with pytest.raises(kind, match=words):
        import_miniimagenet(path)
    assert store.installed() == ()


def test_missing_classes_are_counted(put, picture, caches):
    refuse(
        put("x", {"n01532829/1.png": picture(), "n01558993/1.png": picture()}),
        r"lacks 98 .*\(n0\d+, n0.*\.\.\.\)",
    )
    half = {f"x-{part}.pkl": pickle.dumps(cache(caches["train"])) for part in ("train",)}
    half |= {f"x-{part}.pkl": pickle.dumps(cache(caches["val"])) for part in ("val", "test")}
    refuse(put("y", half), "has the class n0.* in two caches")
    refuse(put("z", {"x-train.pkl": b""}), "does not have one cache each")
    refuse(put("z", {}).parent / "nowhere", "there is nothing at", UsageError)


def test_a_list_that_names_a_lost_picture(routes):
    next((routes["flat with lists"] / "images").iterdir()).unlink()
    refuse(routes["flat with lists"], r"'\w+\.csv' in .* names 'n0\w+\.png', which is not there")


def test_broken_pictures_are_refused_or_left_out(routes):
    broken = next(routes["folders"].glob("train/*/*.png"))
    broken.write_bytes(broken.read_bytes()[:500])
    refuse(routes["folders"], "1 of 200 pictures cannot be read")
    warnings = import_miniimagenet(routes["folders"], skip_broken=True).warnings
    assert "left out" in warnings[0] and f"({broken.parent.name} has 1)" in warnings[1]


def test_real_pictures_in_class_folders(tmp_path, monkeypatch):
    script = SHARED / "unpack_miniimagenet.py"
    if not script.is_file():
        pytest.skip(f"the real MiniImagenet is not at {script.parent}")
    monkeypatch.setattr(miniimagenet, "_PICTURES", 600)
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); import unpack_miniimagenet as u; from pathlib import Path\n"
        "wanted = range(4)\nu.range = lambda count: wanted\n"
        "u.unpack(Path(sys.argv[1]) / 'miniimagenet', Path(sys.argv[2]))"
    )
    subprocess.run([sys.executable, "-c", program, SHARED, tmp_path / "mini"], check=True)
    imported = import_miniimagenet(tmp_path / "mini")
    assert imported.image_set.images.shape == (400, 3, 84, 84)
    assert 80 < imported.image_set.images.mean() < 150
    assert (
        len(imported.warnings) == 1
        and "classes without the 600 pictures that are published: 100" in imported.warnings[0]
    )
