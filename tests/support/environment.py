"""The environment of a test: folders of its own, and none of the variables that users set."""

from __future__ import annotations


def isolate(monkeypatch, folder):
    """Keep state, data and configuration in `folder`, away from the user's, and forget what the user has set."""
    for name in ("STATE", "DATA", "CONFIG"):
        monkeypatch.setenv(f"MAML_{name}_DIR", str(folder / name.lower()))
    for name in ("MAML_DEVICE", "MAML_DEBUG", "FORCE_COLOR", "NO_COLOR", "SSH_TTY", "SSH_CONNECTION"):
        monkeypatch.delenv(name, raising=False)
