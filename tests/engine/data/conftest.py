from __future__ import annotations

import numpy as np
import pytest

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
