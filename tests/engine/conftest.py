"""Small configurations that train in well under a second."""

from __future__ import annotations

import sys
import zipfile
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from engine.config.presets import load_preset
from engine.config.resolve import override_layer, resolve
from engine.data import omniglot

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.config.schema import RunConfig

SINUSOID = (
    "hidden=[8]",
    "meta_batch_size=3",
    "iterations=12",
    "eval_every=4",
    "val_tasks=6",
    "eval_tasks=6",
    "eval_steps=2",
    "curve_steps=3",
)
STROKES = ("filters=4", "meta_batch_size=2", "iterations=6", "eval_every=3", "val_tasks=4", "eval_tasks=4")


@pytest.fixture
def small() -> Callable[..., RunConfig]:
    """Return `small("sinusoid" | "strokes", "key=value", ...)`, a tiny run's configuration."""

    def build(kind: str, *overrides: str) -> RunConfig:
        preset, usual = ("sinusoid-10shot", SINUSOID) if kind == "sinusoid" else ("smoke", STROKES)
        return resolve([load_preset(preset).layer, override_layer([*usual, *overrides])]).config

    return build


@pytest.fixture(autouse=True)
def _own_directories(monkeypatch, tmp_path_factory):
    """Keep runs and data of the tests away from the user's; the made-up characters are cached once per session."""
    base = tmp_path_factory.getbasetemp()
    monkeypatch.setenv("MAML_DATA_DIR", str(base / "data"))
    monkeypatch.setenv("MAML_STATE_DIR", str(base / "state"))


@pytest.fixture
def drawings(monkeypatch):
    """The files of an Omniglot of two and one characters, two drawings each: name -> PNG."""
    monkeypatch.setattr(omniglot, "_CHARACTERS", {"images_background": 2, "images_evaluation": 1})
    monkeypatch.setattr(omniglot, "_DRAWINGS", 2)
    random = np.random.default_rng(0)
    folders = ("images_background/Greek/c1", "images_background/Greek/c2", "images_evaluation/Elvish/c1")
    return {
        f"{folder}/000{number}_0{drawing}.png": _png(random.random((105, 105)) < 0.5)
        for number, folder in enumerate(folders)
        for drawing in (1, 2)
    }


def _png(paper):
    """`[height, width]` bool (paper = True) as a one-bit PNG."""
    file = BytesIO()
    Image.fromarray(paper).save(file, "png")
    return file.getvalue()


@pytest.fixture
def published_zips(drawings):
    """The two zips as published: file name -> bytes."""
    return {
        f"{part}.zip": _zip_of({name: png for name, png in drawings.items() if name.startswith(part)})
        for part in ("images_background", "images_evaluation")
    }


@pytest.fixture(name="zip_of")
def _zip_of_fixture():
    return _zip_of


def _zip_of(members):
    """Members (name -> bytes) as a zip."""
    file = BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


@pytest.fixture
def adaptations(monkeypatch):
    """Return a list that gets the number of steps of every call of `adapt`, whoever imported it."""
    from engine.algorithms.adapt import adapt

    steps = []

    def counted(gradient, params, support, step_rule, count):
        steps.append(count)
        return adapt(gradient, params, support, step_rule, count)

    for module in list(sys.modules.values()):
        if getattr(module, "adapt", None) is adapt:
            monkeypatch.setattr(module, "adapt", counted)
    return steps
