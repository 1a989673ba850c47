"""Figures as files."""

from __future__ import annotations

import re
import time
from itertools import count
from typing import TYPE_CHECKING

from engine.files import private_dir, write_atomic
from engine.paths import state_dir
from maml_tui.plotting.frame import in_sight
from maml_tui.plotting.png import to_png
from maml_tui.plotting.svg import to_svg
from maml_tui.plotting.tables import to_csv

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from maml_tui.plotting.series import Plot


def export(plot: Plot, subject: str, clock: Callable[[], float] = time.time) -> tuple[Path, ...]:
    """Write a figure, and the values that it shows, into the folder of exports; nothing there is replaced.

    Args:
        plot: What to draw.
        subject: What it is of, for the names of the files: characters that no file name should have are left out.
        clock: Returns Unix seconds, for the names.

    Returns:
        The SVG, the PNG and the CSV file.

    Raises:
        ResourceError: One of them cannot be written.
    """
    folder = private_dir(state_dir() / "exports")
    moment = time.strftime("%Y%m%d-%H%M%S", time.localtime(clock()))
    svg, png, table = _free_names(folder, f"{_slug(subject)}-{_slug(plot.y_label)}-{moment}")
    write_atomic(svg, to_svg(plot))
    write_atomic(png, to_png(plot))
    write_atomic(table, to_csv(in_sight(plot)))
    return svg, png, table


def _free_names(folder: Path, stem: str) -> list[Path]:
    names = (stem if number == 1 else f"{stem}-{number}" for number in count(1))
    candidates = ([folder / f"{name}.{kind}" for kind in ("svg", "png", "csv")] for name in names)
    return next(files for files in candidates if not any(file.exists() for file in files))


def _slug(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9._]+", "-", text).strip("-.").lower()[:60] or "plot"
