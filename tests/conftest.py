"""What all tests share: one thread a process, native code compiled once a machine, and tests that are coroutines."""

from __future__ import annotations

import asyncio
import inspect
import os
import sys
import tempfile
import textwrap
from pathlib import Path

import pytest

# Before torch is imported anywhere: tests run side by side, on tiny tensors.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MAML_CACHE_DIR", str(Path(tempfile.gettempdir()) / f"maml-tests-{os.getuid()}"))


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem):
    """Run a test that is a coroutine to its end, in an event loop of its own."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    names = inspect.signature(pyfuncitem.obj).parameters
    asyncio.run(pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in names}))
    return True


@pytest.fixture
def program(monkeypatch):
    """Return `program(text)`: let that program answer in place of every helper process."""

    def use(text):
        script = "import json, os, sys, time\n" + textwrap.dedent(text)
        monkeypatch.setattr("engine.services.client.command", lambda service: [sys.executable, "-c", script])

    return use
