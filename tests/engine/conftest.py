"""Small configurations that train in well under a second."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from engine.config.presets import load_preset
from engine.config.resolve import override_layer, resolve

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
