"""Where things live: pure functions of the environment. A getter never makes a folder."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

_APP = "maml"


def state_dir() -> Path:
    """Return the directory that holds the runs (`MAML_STATE_DIR`, else the platform's state directory)."""
    return _chosen("MAML_STATE_DIR") or Path(platformdirs.user_state_dir(_APP, appauthor=False))


def runs_dir() -> Path:
    """Return the directory with one folder per run."""
    return state_dir() / "runs"


def config_dir() -> Path:
    """Return the directory of a user's own settings and presets (`MAML_CONFIG_DIR`, else the platform's)."""
    return _chosen("MAML_CONFIG_DIR") or Path(platformdirs.user_config_dir(_APP, appauthor=False))


def data_dir() -> Path:
    """Return the directory of imported data sets (`MAML_DATA_DIR`, else the platform's data directory)."""
    return _chosen("MAML_DATA_DIR") or Path(platformdirs.user_data_dir(_APP, appauthor=False))


def cache_dir() -> Path:
    """Return the directory of what can be made again (`MAML_CACHE_DIR`, else the platform's cache directory)."""
    return _chosen("MAML_CACHE_DIR") or Path(platformdirs.user_cache_dir(_APP, appauthor=False))


def assets_dir() -> Path:
    """Return the directory of shipped presets, class splits and published results."""
    here = Path(__file__).resolve().parent
    installed = here / "_assets"
    return installed if installed.is_dir() else here.parent / "assets"


def _chosen(variable: str) -> Path | None:
    value = os.environ.get(variable, "")
    return Path(value).expanduser().absolute() if value else None
