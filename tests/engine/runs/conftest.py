from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from engine.runs.directory import RunDirectory, create_run

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    """A new run in a root of its own."""
    return create_run(
        "demo", lambda run_id: f'[run]\nid = "{run_id}"\n', tmp_path / "runs", clock=lambda: 1000.0
    )
