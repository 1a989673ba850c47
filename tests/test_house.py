"""The house stands: the direction of imports holds, and light commands load nothing heavy."""

from __future__ import annotations

import subprocess
import sys

import pytest

from engine.paths import assets_dir
from engine.runs.events import describe_events


def modules_after(code: str) -> set[str]:
    """Return the modules a fresh interpreter has loaded after running `code`."""
    script = f"{code}\nimport sys; print('\\n'.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines())


@pytest.mark.parametrize(
    ("module", "absent"),
    [
        ("engine.config.presets", {"torch", "textual", "numpy", "rich", "typer"}),
        ("engine.runs.index", {"torch", "textual", "numpy", "rich", "typer"}),
        ("engine.data.omniglot", {"torch", "textual", "rich", "typer"}),
        ("engine.worker.main", {"textual", "rich", "typer", "torchvision", "maml_tui"}),
        ("engine.services.explore_messages", {"torch", "textual", "numpy", "rich", "typer"}),
        ("maml_tui.runs.watch", {"torch", "textual", "rich", "typer"}),
        ("maml_tui.runs.series", {"torch", "textual", "rich", "typer"}),
        ("maml_tui.app.app", {"torch", "numpy", "typer", "engine.config.schema"}),
        (
            "maml_tui.pages.setup.screen",
            {"torch", "typer", "engine.services.messages", "engine.runs.control"},
        ),
        ("maml_tui.plotting", {"torch", "textual", "rich", "typer"}),
    ],
)
def test_a_room_loads_only_what_it_needs(module, absent):
    assert not modules_after(f"import {module}") & absent


def test_the_events_are_documented_as_they_are():
    """To make the page again, print `engine.runs.events.describe_events()` into it."""
    assert (assets_dir() / "docs" / "events.md").read_text(encoding="utf-8") == describe_events() + "\n"
