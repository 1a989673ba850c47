from __future__ import annotations

import csv
import io

import numpy as np

from maml_tui.plotting.figure_files import series_csv
from maml_tui.plotting.frame import in_sight
from maml_tui.plotting.series import Plot, Series


def test_every_sample_is_a_line():
    text = series_csv(
        (Series("val, 1", [0, 1000], [0.1, np.nan], [0, 0], [0.2, 0]), Series("b", [1e6], [1 / 3]))
    )
    assert (
        text
        == 'series,x,y,low,high\n"val, 1",0,0.1,0,0.2\n"val, 1",1000,,,\nb,1000000,0.3333333333333333,,\n'
    )


def test_numbers_come_back_as_they_were():
    values = np.random.default_rng(0).normal(size=50)
    rows = list(csv.DictReader(io.StringIO(series_csv((Series("a", np.arange(50), values),)))))
    assert [float(row["y"]) for row in rows] == values.tolist()


def test_tabs_suit_spreadsheets():
    assert series_csv((Series("a", [1], [2]),), "\t").splitlines()[1] == "a\t1\t2\t\t"


def test_only_what_is_in_sight_is_given():
    series = Series("a", range(5), range(5), range(5), range(5))
    (cut,) = in_sight(Plot((series,), x_range=(1, 3)))
    assert [values.tolist() for values in (cut.x, cut.y, *cut.band)] == [[1, 2, 3]] * 4
    (whole,) = in_sight(Plot((Series("b", [1, 2], [3, 4]),)))
    assert (whole.x.tolist(), whole.band) == ([1, 2], None)
