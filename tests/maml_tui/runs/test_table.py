from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.runs.directory import RunDirectory
from engine.runs.status import Status
from engine.text import printable
from maml_tui.reports.text_table import GAP, cell_width
from maml_tui.runs.listing import Listing, RunFacts, arrange
from maml_tui.runs.table import all_columns, columns_for, progress

MARKS = {"running": "●", "lost": "!"}


@pytest.fixture
def running(tmp_path):
    status = Status(
        name="omniglot-20w1s-maml-so",
        state="running",
        task="omniglot 20-way 1-shot",
        metric="accuracy",
        best=0.93125,
        best_ci95=0.0071,
        iteration=18_400,
        iterations=60_000,
        iterations_per_second=2.41,
        created=0.0,
        heartbeat=0.0,
        seconds=7634,
    )
    return RunFacts(RunDirectory(tmp_path / "7f3a"), status)


def headings(columns):
    return [column.heading for column in columns]


def row(columns, facts, listing=Listing(now=60.0)):  # noqa: B008 - frozen
    return [column.cell(facts, listing) for column in columns]


def test_a_row(running):
    cells = dict(zip(headings(all_columns()), row(all_columns(MARKS), running), strict=True))
    assert cells.pop("started").startswith("today")
    assert cells == {
        "id": "7f3a",
        "name": "omniglot-20w1s-maml-so",
        "state": "● running",
        "iter": "18,400/60k",
        "best val ± CI95": "93.12 ± 0.71 %",
        "vs best": "-",
        "it/s": "2.41",
        "time": "2:07:14",
    }


def test_a_row_of_a_run_that_never_began(tmp_path):
    bare = RunFacts(
        RunDirectory(tmp_path / "7f3a"), Status(name="", state="lost", created=0.0, heartbeat=0.0)
    )
    assert row(all_columns(), bare)[1:7] == ["-", "lost", "0/-", "-", "-", "-"]


def test_a_row_of_a_regression(running):
    curve = running.status.model_copy(update={"metric": "mse", "best": 0.031, "best_ci95": 0.004})
    assert row(all_columns(), RunFacts(running.run, curve))[4] == "0.03100 ± 0.00400"


def test_names_cannot_steer_the_terminal(running):
    evil = RunFacts(running.run, running.status.model_copy(update={"name": "\x1b[2J"}))
    assert row(all_columns(), evil)[1] == r"\x1b[2J"


@pytest.mark.parametrize(
    ("width", "expected"),
    [
        (116, ["id", "name", "state", "iter", "best val ± CI95", "vs best", "it/s", "started", "time"]),
        (78, ["id", "name", "state", "iter", "best val ± CI95"]),
        (58, ["id", "name", "state", "best val ± CI95"]),
        (30, ["id", "name", "state"]),
        (20, ["id", "state"]),
        (6, ["id"]),
        (3, []),
    ],
)
def test_narrow_tables_leave_out_what_matters_least(width, expected):
    assert headings(columns_for(width, 4, MARKS)) == expected


@given(st.integers(0, 300), st.integers(4, 8))
def test_a_table_is_never_wider_than_its_place_and_the_name_takes_the_rest(width, id_width):
    columns = columns_for(width, id_width, MARKS)
    taken = sum(column.width + GAP for column in columns) - GAP
    assert taken <= max(width, 0)
    assert taken == width or "name" not in headings(columns)


@given(st.text(max_size=30).map(printable), st.sampled_from(all_columns(MARKS)))
def test_every_cell_is_as_wide_as_its_column(text, column):
    assert cell_width(column.fit(text)) == column.width


def test_a_text_that_is_cut_says_so(running):
    name = all_columns()[1]
    assert name.fit("omniglot-20w1s-maml-so") == "omniglot-20w1s-maml…"


@pytest.mark.parametrize(
    ("iteration", "iterations", "expected"),
    [
        (0, None, "0/-"),
        (0, 0, "0/0"),
        (4, 1500, "4/1,500"),
        (18_400, 60_000, "18,400/60k"),
        (5, 2_000_000, "5/2M"),
    ],
)
def test_progress(iteration, iterations, expected):
    assert progress(iteration, iterations) == expected


def test_ten_thousand_rows_read_nothing_but_what_was_given(tmp_path):
    status = Status(name="a", state="done", created=0.0, heartbeat=0.0)
    found = [RunFacts(RunDirectory(tmp_path / f"{n:08x}"), status) for n in range(10_000)]
    listing = arrange(found, found, "best", 0.0)
    assert len({tuple(row(all_columns(), facts, listing)) for facts in listing.rows}) == 10_000
    assert not any({"tags", "options"} & vars(facts).keys() for facts in found)
