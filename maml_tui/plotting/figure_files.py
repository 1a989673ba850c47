"""Figures and their values as files: SVG, PNG and CSV."""

from __future__ import annotations

import csv
import io
import math
import re
import time
from itertools import count
from typing import TYPE_CHECKING

import numpy as np

from engine.files import private_dir, write_atomic
from engine.paths import state_dir
from maml_tui.plotting.frame import in_sight
from maml_tui.plotting.png import to_png
from maml_tui.plotting.svg import to_svg

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from maml_tui.plotting.series import Plot, Series


def series_csv(series: Sequence[Series], delimiter: str = ",") -> str:
    """Return one line `series,x,y,low,high` per sample; what is not known is empty. Numbers keep their last bit."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, lineterminator="\n")
    writer.writerow(("series", "x", "y", "low", "high"))
    for one in series:
        low, high = one.band or (np.full(len(one.x), np.nan),) * 2
        for sample in zip(one.x, one.y, low, high, strict=True):
            writer.writerow((one.label, *map(_number, sample)))
    return out.getvalue()


def _number(value: float) -> str:
    return "" if math.isnan(value) else repr(float(value)).removesuffix(".0")


def export_figure(plot: Plot, subject: str, clock: Callable[[], float] = time.time) -> tuple[Path, ...]:
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
    stem = _free_stem(folder, f"{_slug(subject)}-{_slug(plot.y_label)}-{moment}")
    return write_figure(plot, folder, stem)


def write_figure(plot: Plot, folder: Path, stem: str) -> tuple[Path, ...]:
    """Write a figure, and the values that it shows, under a name; what is there is replaced.

    Returns:
        The SVG, the PNG and the CSV file.

    Raises:
        ResourceError: One of them cannot be written.
    """
    svg, png, table = files = _files(folder, stem)
    write_atomic(svg, to_svg(plot))
    write_atomic(png, to_png(plot))
    write_atomic(table, series_csv(in_sight(plot)))
    return files


def _free_stem(folder: Path, stem: str) -> str:
    stems = (stem if number == 1 else f"{stem}-{number}" for number in count(1))
    return next(free for free in stems if not any(file.exists() for file in _files(folder, free)))


def _files(folder: Path, stem: str) -> tuple[Path, ...]:
    return tuple(folder / f"{stem}.{kind}" for kind in ("svg", "png", "csv"))


def _slug(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9._]+", "-", text).strip("-.").lower()[:60] or "plot"
