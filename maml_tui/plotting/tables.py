"""Series as comma-separated values."""

from __future__ import annotations

import csv
import io
import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from maml_tui.plotting.series import Series


def to_csv(series: Sequence[Series], delimiter: str = ",") -> str:
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
