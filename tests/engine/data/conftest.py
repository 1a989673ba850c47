from __future__ import annotations

import struct
import tarfile
import zlib
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from engine.data.store import make_image_set


@pytest.fixture(autouse=True)
def data_home(tmp_path, monkeypatch):
    """Every test has a data directory of its own."""
    home = tmp_path / "data"
    monkeypatch.setenv("MAML_DATA_DIR", str(home))
    return home


@pytest.fixture
def small_set():
    """Two classes of 2 and 3 pictures, 1x4x4."""
    images = np.arange(5 * 16, dtype=np.uint8).reshape(5, 1, 4, 4)
    return make_image_set("small", images, ("a", "b"), (2, 3), "made by a test")


@pytest.fixture
def png_head():
    """`png_head(side)`: the beginning of a one-bit PNG that claims to be of that size."""

    def chunk(kind, content):
        checksum = struct.pack(">I", zlib.crc32(kind + content))
        return struct.pack(">I", len(content)) + kind + content + checksum

    def build(side):
        header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
        return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"")

    return build


@pytest.fixture(name="picture")
def _picture_fixture():
    """`picture(number, mode, side, format)`: the bytes of a picture of noise, another one for each number."""
    return _picture


def _picture(number=0, mode="RGB", side=20, form="PNG"):
    noise = np.random.default_rng(number).integers(0, 256, (side, side, 3), dtype=np.uint8)
    file = BytesIO()
    Image.fromarray(noise).convert(mode).save(file, form)
    return file.getvalue()


@pytest.fixture(name="put")
def _put_fixture(tmp_path):
    """`put(folder, {name: bytes})`: write files below a new folder of the test and return it."""

    def put(folder, files):
        for name, content in files.items():
            path = tmp_path / folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        return tmp_path / folder

    return put


@pytest.fixture
def tar_of():
    """Members (name -> bytes) as a compressed tar."""

    def build(members):
        file = BytesIO()
        with tarfile.open(fileobj=file, mode="w:gz") as archive:
            for name, content in members.items():
                info = tarfile.TarInfo(name)
                info.size = len(content)
                archive.addfile(info, BytesIO(content))
        return file.getvalue()

    return build


@pytest.fixture
def classes_of():
    """`classes_of("a/b", "c", each=2)`: that many pictures for each class folder, name -> bytes, all different."""

    def build(*folders, each=2, **how):
        names = [f"{folder}/{number}.png" for folder in folders for number in range(each)]
        return {name: _picture(number, **how) for number, name in enumerate(names)}

    return build
