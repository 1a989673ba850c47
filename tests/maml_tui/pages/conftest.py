from __future__ import annotations

import pytest

from maml_tui.pages.train.scene import Scene, text_of
from maml_tui.plotting import Charset


@pytest.fixture
def scene(watch_of, now):
    """A run at a moment: as `watch_of`, and `charset`, `machine`, `later` (seconds)."""

    def make(*events, charset=Charset.UNICODE, machine=(), later=0.0, **kwargs):
        return Scene(watch_of(*events, **kwargs), now + later, charset, machine)

    return make


@pytest.fixture
def texts():
    """The bare text of a panel's lines."""
    return lambda panel: [text_of(line).rstrip() for line in panel.lines]
