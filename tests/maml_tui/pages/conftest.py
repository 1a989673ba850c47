"""One page of the application at a time, and what the Train page shows of a run."""

from __future__ import annotations

import pytest
from app_driver import make_app

from maml_tui.app.app import MamlApp
from maml_tui.pages.train.scene import Scene, text_of
from maml_tui.plotting import Charset


@pytest.fixture
def open_page(monkeypatch):
    """Return `open_page(name, size, ...)`: the application on that page, with no pulse but the test's own.

    `compare_runs` and `watched` are attributes of the application, all else is for `make_app`.
    """

    def open_at(
        name, size=(120, 40), *, charset="unicode", plain=False, compare_runs=(), watched=None, **how
    ):
        monkeypatch.setattr(MamlApp, "on_mount", lambda self: self.show(name))
        monkeypatch.setattr(MamlApp, "_begin", lambda self: None)
        if plain:
            monkeypatch.setenv("NO_COLOR", "1")
        app = make_app(charset=charset, plain=plain, **how)
        app.compare_runs, app.watched = tuple(compare_runs), watched
        return app.run_test(size=size)

    return open_at


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
