from __future__ import annotations

import io
import os
import random
import stat
import tarfile
import zipfile
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.data import archives, omniglot, store
from engine.data.splits import class_indices, hashed_split, load_split, splits_of
from engine.errors import MamlError, ResourceError, UsageError

REAL = Path(__file__).parents[4] / "shared/data/omniglot.tar.gz"
PARTS = ("images_background", "images_evaluation")


def write_folder(root, files):
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return root


def tar_of(files, mode="w:gz"):
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode=mode) as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return file.getvalue()


def write(path, content):
    path.write_bytes(content)
    return path


@pytest.fixture
def folder(tmp_path, drawings):
    return write_folder(tmp_path / "copy", drawings)


@pytest.fixture
def routes(tmp_path, drawings, published_zips, zip_of):
    """Every layout in which people have Omniglot."""
    zips = write_folder(tmp_path / "zips", published_zips)
    prefixed = {f"omniglot-master/python/{name}": content for name, content in published_zips.items()}
    return {
        "folders": write_folder(tmp_path / "folders", drawings),
        "one of the folders": tmp_path / "folders" / PARTS[0],
        "torchvision": write_folder(tmp_path / "tv" / "omniglot-py", drawings | published_zips).parent,
        "zips": zips,
        "one of the zips": zips / "images_evaluation.zip",
        "folder and zip": write_folder(
            tmp_path / "mixed",
            {n: c for n, c in drawings.items() if n.startswith(PARTS[0])}
            | {"images_evaluation.zip": published_zips["images_evaluation.zip"]},
        ),
        "repository": write_folder(tmp_path / "repo" / "python", published_zips).parent,
        "zip of folders": write(tmp_path / "all.zip", zip_of(drawings)),
        "zip of zips": write(tmp_path / "repo.zip", zip_of(prefixed)),
        "tar": write(tmp_path / "all.tar", tar_of(drawings, "w")),
        "tar.gz": write(tmp_path / "all.tar.gz", tar_of(drawings)),
        "tar.xz": write(tmp_path / "all.tar.xz", tar_of(drawings, "w:xz")),
        "tar of zips": write(tmp_path / "zips.tgz", tar_of(published_zips)),
    }


def test_every_route_gives_the_same_set(routes):
    hashes = {route: omniglot.read_omniglot(path).content_hash for route, path in routes.items()}
    assert len(set(hashes.values())) == 1, hashes


def test_classes_pixels_and_order(folder, drawings):
    found = omniglot.read_omniglot(folder)
    assert found.class_names == ("Elvish/c1", "Greek/c1", "Greek/c2")
    assert found.counts.tolist() == [2, 2, 2]
    with Image.open(io.BytesIO(drawings["images_evaluation/Elvish/c1/0002_02.png"])) as image:
        paper = np.asarray(image)
    centres = ((np.arange(28) + 0.5) * 105 / 28).astype(int)
    np.testing.assert_array_equal(found.images[1, 0], np.where(paper[np.ix_(centres, centres)], 0, 255))


def test_what_is_imported_can_be_loaded_and_differs_from_the_published(folder):
    imported = omniglot.import_copy(folder)
    assert store.verify("omniglot").content_hash == imported.image_set.content_hash
    assert "differs from the published pixels" in imported.warnings[0]


def test_the_published_pixels_give_no_warning(folder, monkeypatch):
    monkeypatch.setattr(omniglot, "CONTENT_HASH", omniglot.read_omniglot(folder).content_hash)
    assert omniglot.import_copy(folder).warnings == ()


def test_what_macos_and_others_add_is_passed_over(tmp_path, drawings, zip_of):
    extra = {
        "__MACOSX/images_background/Greek/c1/._0000_01.png": b"resource fork",
        "images_background/.DS_Store": b"x",
        "images_background/Greek/c1/notes.txt": b"x",
        "images_background_small1/Greek/c1/0000_01.png": b"x",
        "../../etc/passwd": b"x",
    }
    plain = omniglot.read_omniglot(write(tmp_path / "a.zip", zip_of(drawings)))
    cluttered = omniglot.read_omniglot(write(tmp_path / "b.zip", zip_of(drawings | extra)))
    assert cluttered.content_hash == plain.content_hash


def refuse(path, complaint, kind=ResourceError):
    with pytest.raises(kind, match=complaint) as caught:
        omniglot.import_copy(path)
    assert "\n" not in str(caught.value)
    assert store.installed() == ()


def test_nothing_there(tmp_path):
    refuse(tmp_path / "nowhere\x1b[2J", r"there is nothing at .*nowhere\\x1b", UsageError)


def test_one_part_only(tmp_path, folder, drawings):
    half = {name: content for name, content in drawings.items() if name.startswith(PARTS[0])}
    refuse(write_folder(tmp_path / "half", half), r"has no images_evaluation and no images_evaluation\.zip")
    refuse(write(tmp_path / "half.tar.gz", tar_of(half)), "has 0 characters under images_evaluation.* has 1")
    (tmp_path / "empty").mkdir()
    refuse(tmp_path / "empty", "has no images_background")


def test_wrong_numbers(tmp_path, folder):
    (folder / "images_background/Greek/c1/0000_01.png").unlink()
    refuse(folder, "has 1 drawings of 'Greek/c1' where Omniglot has 2")
    (folder / "images_background/Greek/c1/0000_02.png").unlink()
    refuse(folder, "has 1 characters under images_background.* Omniglot has 2")


def test_one_name_in_both_parts(folder):
    (folder / "images_evaluation/Elvish").rename(folder / "images_evaluation/Greek")
    refuse(folder, "'Greek/c1' in both parts")


def test_a_redirected_download(tmp_path, published_zips):
    zips = write_folder(tmp_path / "zips", published_zips)
    write(zips / "images_evaluation.zip", b"\n <!DOCTYPE html><html>moved</html>")
    refuse(
        zips, r"images_evaluation\.zip is an HTML page, not an archive: the download was probably redirected"
    )


@pytest.mark.parametrize("content", [b"", b"just text", b"\x00" * 600])
def test_no_archive(tmp_path, content):
    refuse(write(tmp_path / "x.zip", content), "is neither a zip nor a tar archive")


def test_truncated_archives(tmp_path, drawings, zip_of):
    for content in (zip_of(drawings), tar_of(drawings), tar_of(drawings, "w:xz")):
        refuse(write(tmp_path / "cut", content[: len(content) // 2]), "is damaged or was cut short")


def test_a_truncated_tar_without_compression(tmp_path, drawings):
    refuse(
        write(tmp_path / "cut.tar", tar_of(drawings, "w")[:2000]),
        "cut short|where Omniglot has|whole picture",
    )


def test_truncated_pictures_are_named(folder):
    picture = folder / "images_background/Greek/c2/0001_02.png"
    whole = picture.read_bytes()
    for content in (whole[: len(whole) // 2], whole[:30], whole[:10], b""):
        picture.write_bytes(content)
        refuse(folder, r"Greek/c2/0001_02\.png' in .* is not a whole picture")


def test_a_picture_of_absurd_size(folder, drawings, png_head):
    write(folder / next(iter(drawings)), png_head(60_000))
    refuse(folder, r"is not a whole picture \(Image size \(3600000000 pixels\) exceeds")
    write(folder / next(iter(drawings)), png_head(10_000))
    refuse(folder, r"has 10000x10000 pixels: the most are 67,108,864")


def test_members_that_are_too_large(tmp_path, folder, drawings, zip_of):
    name = next(iter(drawings))
    large = drawings | {name: bytes(2**20 + 1)}
    refuse(write(tmp_path / "x.zip", zip_of(large)), "is larger than 1,048,576 bytes")
    refuse(write(tmp_path / "x.tar.gz", tar_of(large)), "is larger than 1,048,576 bytes")
    refuse(write_folder(folder, {name: bytes(2**20 + 1)}), "is larger than 1,048,576 bytes")


def test_too_many_members(tmp_path, drawings, zip_of, monkeypatch):
    monkeypatch.setattr(archives, "MAX_MEMBERS", 5)
    refuse(write(tmp_path / "x.zip", zip_of(drawings)), "more than 5 members")


@pytest.mark.parametrize("name", ["../images_background/Greek/c1/x.png", "/images_background/Greek/c1/x.png"])
def test_members_that_lead_outside(tmp_path, zip_of, name):
    refuse(write(tmp_path / "x.zip", zip_of({name: b"x"})), "is a link or leads outside")
    refuse(write(tmp_path / "x.tar", tar_of({name: b"x"}, "w")), "is a link or leads outside")


def test_links_in_archives(tmp_path, drawings):
    link = tarfile.TarInfo("images_background/Greek/c1/x.png")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    with tarfile.open(tmp_path / "x.tar", "w") as archive:
        archive.addfile(link)
    refuse(tmp_path / "x.tar", "is a link or leads outside")
    entry = zipfile.ZipInfo("images_background/Greek/c1/x.png")
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr(entry, "/etc/passwd")
    refuse(tmp_path / "x.zip", "is a link or leads outside")


def test_an_unreadable_copy(folder, published_zips, tmp_path):
    if os.geteuid() == 0:
        (folder / "images_background/Greek/c1/dir.png").mkdir()
        refuse(folder, r"cannot read .*dir\.png")
    else:
        write(tmp_path / "x.zip", b"").chmod(0)
        refuse(tmp_path / "x.zip", "cannot read .*Permission denied")


@pytest.mark.parametrize("pack", ["zip", "tar", "gz", "png"])
def test_damage_anywhere_ends_in_one_sentence(tmp_path, drawings, zip_of, pack):
    made = {"zip": zip_of(drawings), "tar": tar_of(drawings, "w"), "gz": tar_of(drawings)}
    chance = random.Random(1)
    for _ in range(150):
        if pack == "png":
            name, picture = chance.choice(list(drawings.items()))
            content = tar_of(drawings | {name: flipped(picture, chance)}, "w")
        else:
            content = flipped(made[pack], chance)
        with suppress(MamlError):  # anything else is a defect
            omniglot.read_omniglot(write(tmp_path / "x", content))


def flipped(content, chance):
    damaged = bytearray(content)
    for _ in range(chance.randrange(1, 4)):
        damaged[chance.randrange(len(damaged))] = chance.randrange(256)
    return bytes(damaged)


@pytest.fixture(scope="module")
def real():
    if not REAL.is_file():
        pytest.skip(f"the published Omniglot is not at {REAL}")
    return omniglot.read_omniglot(REAL)


def test_the_published_drawings_hash_to_the_constant(real):
    assert real.images.shape == (32_460, 1, 28, 28)
    assert set(np.unique(real.images)) == {0, 255}
    assert 0.05 < real.images.mean() / 255 < 0.12
    assert real.content_hash == omniglot.CONTENT_HASH


def test_the_committed_splits_cover_the_real_classes(real):
    for split in splits_of(real):
        indices = np.concatenate(list(class_indices(real, split).values()))
        assert sorted(indices.tolist()) == list(range(1623))


def test_the_shuffled_split_follows_from_the_real_classes(real):
    name = "omniglot-1100-100-423"
    assert hashed_split(name, real.class_names, (1100, 100), "maml-tui omniglot split 1") == load_split(name)


def test_the_alphabet_split_tests_on_the_evaluation_part(real):
    with tarfile.open(REAL) as archive:
        evaluation = {n.removeprefix("images_evaluation/") for n in archive.getnames() if n.count("/") == 2}
    test = set(load_split("omniglot-alphabets").test)
    assert test == evaluation & set(real.class_names)
