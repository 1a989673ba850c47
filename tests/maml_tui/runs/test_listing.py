from __future__ import annotations

import pytest

from engine.runs.directory import RunDirectory
from engine.runs.status import Status
from maml_tui.runs.listing import ORDERS, RunFacts, arrange


@pytest.fixture
def run(tmp_path):
    """Return `run(id, **status)`, of which nothing is on disk."""

    def make(identity, **status):
        usual = {"name": identity, "state": "done", "created": 0.0, "heartbeat": 0.0}
        return RunFacts(RunDirectory(tmp_path / identity), Status(**{**usual, **status}))

    return make


def names(listing):
    return [facts.run.id for facts in listing.rows]


def accuracy(value, task="omniglot"):
    return {"task": task, "metric": "accuracy", "best": value}


def test_the_newest_comes_first(run):
    found = [run("old", created=1), run("new", created=3), run("mid", created=2)]
    listing = arrange(found, found, "newest", 9.0)
    assert (names(listing), listing.total, listing.now) == (["new", "mid", "old"], 3, 9.0)


def test_only_the_chosen_are_listed_but_all_are_counted(run):
    found = [run("a1"), run("b2"), run("a3")]
    listing = arrange(found[::2], found, "name", 0.0)
    assert (names(listing), listing.total) == (["a1", "a3"], 3)


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("newest", ["c", "b", "a"]),
        ("name", ["a", "b", "c"]),
        ("state", ["b", "c", "a"]),
        ("speed", ["a", "b", "c"]),
        ("time", ["c", "a", "b"]),
    ],
)
def test_orders(run, order, expected):
    found = [
        run("a", created=1, state="lost", iterations_per_second=9.0, seconds=5),
        run("b", created=2, state="running", iterations_per_second=2.0),
        run("c", created=3, state="done", seconds=7),
    ]
    assert names(arrange(found, found, order, 0.0)) == expected


def test_the_best_come_first_in_each_contest_and_those_without_a_value_last(run):
    found = [
        run("worse", **accuracy(0.8)),
        run("none", task="omniglot", metric="accuracy"),
        run("better", **accuracy(0.9)),
        run("broken", **accuracy(float("nan"))),
        run("curve2", task="sinusoid", metric="mse", best=0.5),
        run("curve1", task="sinusoid", metric="mse", best=0.1),
    ]
    listing = arrange(found, found, "best", 0.0)
    assert names(listing) == ["better", "worse", "none", "broken", "curve1", "curve2"]
    behind = {facts.run.id: listing.behind(facts) for facts in listing.rows}
    assert behind == {
        "better": "best",
        "worse": "-10.00",
        "none": "-",
        "broken": "-",
        "curve1": "best",
        "curve2": "+0.4",
    }


def test_a_run_alone_in_its_contest_is_not_behind_anybody(run):
    found = [run("a", **accuracy(0.8)), run("b", **accuracy(0.9, "strokes"))]
    listing = arrange(found, found, "newest", 0.0)
    assert [listing.behind(facts) for facts in listing.rows] == ["-", "-"]


def test_those_left_out_still_compete(run):
    found = [run("a", **accuracy(0.8)), run("b", **accuracy(0.9))]
    listing = arrange(found[:1], found, "newest", 0.0)
    assert listing.behind(listing.rows[0]) == "-10.00"


def test_every_order_takes_a_run_that_never_began(run):
    bare = run("bare", name="", state="lost")
    assert all(names(arrange([bare], [bare], order, 0.0)) == ["bare"] for order in ORDERS)
