from __future__ import annotations

import time
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from engine.config.fields import all_fields
from engine.runs.directory import RunDirectory
from engine.runs.status import Status
from engine.runs.tags import write_tags
from maml_tui.runs.listing import RunFacts
from maml_tui.runs.query import QueryError, parse_query
from maml_tui.runs.terms import run_keys

_NOWHERE = Path("/nonexistent/7f3a")
NOW = datetime(2026, 3, 10, 12, 0).timestamp()  # a Tuesday at noon, local time
DAY = 86_400


def asks_for(query, facts):
    return parse_query(query, NOW).matches(facts)


@pytest.fixture
def omniglot(facts):
    return facts(
        "Paper-run",
        "omniglot-20w1s",
        task="omniglot 20-way 1-shot",
        state="running",
        metric="accuracy",
        best=0.9312,
        iteration=18_400,
        iterations_per_second=2.4,
        created=NOW - 3 * DAY,
        seconds=7200,
        device="cuda:0",
        host="gpubox",
    )


@pytest.fixture
def sinusoid(facts):
    return facts("sin", "sinusoid-10shot", task="sinusoid 10-shot", state="done", metric="mse", best=0.031)


@pytest.mark.parametrize(
    "query",
    [
        "",
        "  ",
        "paper",
        "PAPER 20-way",
        '"20-way 1-shot"',
        "'20-way'",
        "-sinusoid",
        '-"two words"',
        "name:run",
        "name=paper-run",
        "-name=paper",
        "task:omniglot",
        "state:running",
        "state:live",
        "-state:ended",
        "acc>93",
        "acc>=93.12",
        "acc:93.12%",
        "acc<1e2",
        "best>90",
        "-mse<1",
        "it>=18k",
        "it<.1M",
        "speed>2",
        "device:cuda",
        "host:gpu",
        "age>2d",
        "age<1w",
        "time>1h",
        "time<=2h",
        "started:2026-03-07",
        "started<today",
        "started<yesterday",
        "started<=2026-03-07",
        "started>=2026-03-07",
        "started>2026-03-06",
        "-started:today",
        "ways:20",
        "WAYS=20",
        "ways>5 shots<=1",
        "inner_lr=0.1",
        "algorithm:maml",
        "-algorithm:fomaml",
        "data:omniglot",
        "rotations:yes",
        "-rotations:off",
    ],
)
def test_what_is_asked_for(omniglot, query):
    assert asks_for(query, omniglot)


@pytest.mark.parametrize(
    "query",
    [
        "sinusoid",
        "-paper",
        "paper sinusoid",
        "name=paper",
        "state:done",
        "acc<93",
        "mse<1",
        "mse>=0",
        "age<2d",
        "started>2026-03-07",
        "started:yesterday",
        "ways:5",
        "algorithm:fomaml",
        "hidden:40,40",
        "rotations:no",
        "tag:paper",
        "note:a",
    ],
)
def test_what_is_not_asked_for(omniglot, query):
    assert not asks_for(query, omniglot)


def test_a_regression_is_asked_for_by_its_own_metric_and_options(sinusoid):
    assert asks_for("mse<0.05 best<1 -acc>0 hidden:40,40 hidden=[40,40] -ways:5", sinusoid)
    assert not asks_for("hidden:40", sinusoid)


def test_tags_and_notes(facts):
    found = facts()
    write_tags(found.run, ["paper", "v2"], "Second try")
    assert asks_for('tag:PAPER -tag:pap note:second note="second try"', found)


def test_a_run_whose_files_are_damaged_has_no_options_and_no_tags(facts):
    found = facts()
    found.run.config.write_text("no [toml")
    (found.run.path / "tags.json").write_text("{")
    assert asks_for("-ways:5 -tag:x", found)


def test_files_are_read_only_if_they_are_needed(tmp_path):
    nowhere = RunFacts(
        RunDirectory(tmp_path / "none"), Status(name="a", state="done", created=0, heartbeat=0)
    )
    query = parse_query("tag:x ways:5 state:failed", NOW)
    assert [term.slow for term in query.terms] == [False, True, True]
    assert not query.matches(nowhere)
    assert not {"tags", "options"} & vars(nowhere).keys()


@pytest.mark.parametrize(
    ("query", "position", "problem"),
    [
        ("a way:20", 2, r"^way:20: no key is called way \(did you mean ways\?\)$"),
        ("acc>=x", 0, "it is a number, such as"),
        ("state:don", 0, r"it is never don \(did you mean done\?\)$"),
        ("state:zzz", 0, "it can be queued, warming-up"),
        ("algorithm:mmal", 0, r"did you mean maml\?"),
        ("name<b", 0, "it has no order: write : instead of <"),
        ("rotations:maybe", 0, "yes or no"),
        ("age:2d", 0, "compare it with < or >"),
        ("age<2", 0, "such as 90s"),
        ("started:soon", 0, "today, yesterday, or"),
        ("started:9999-12-31", 0, "today, yesterday, or"),
        ("ok  acc>", 4, "^acc>: something is missing here$"),
        ("-", 0, "missing"),
        ('""', 0, "missing"),
        ('x "never closed', 2, "never closed"),
        ('"a"b', 0, "put a space"),
        ("=5", 0, "put it in quotation marks"),
        ("ways!=5", 0, "put it in quotation marks"),
        ("\x1b[2J:1", 0, r"^\\x1b\[2J:1: "),
    ],
)
def test_what_cannot_be_understood_is_told_with_its_place(query, position, problem):
    with pytest.raises(QueryError, match=problem) as raised:
        parse_query(query, NOW)
    assert raised.value.position == position
    assert str(raised.value).isprintable()


KEYS = st.sampled_from([*run_keys(NOW), *all_fields(), "nonsense"])
SIGNS = st.sampled_from([":", "=", "<", "<=", ">", ">=", "!="])
VALUES = st.one_of(
    st.sampled_from(["20", "1e-3", "93%", "2d", "today", "0001-01-01", "done", "yes", "40,40", '"a b"']),
    st.text(max_size=8),
)
TERMS = st.builds("{}{}{}{}".format, st.sampled_from(["", "-"]), KEYS, SIGNS, VALUES)


@given(st.one_of(st.text(max_size=40), st.lists(TERMS, max_size=4).map(" ".join)))
@example("it:1e999 acc:1e-999 age<9e9w")
@example("started>0001-01-01 started<=9999-12-31")
def test_whatever_is_typed_it_is_answered(text):
    found = RunFacts(
        RunDirectory(_NOWHERE), Status(name="a", state="done", created=time.time(), heartbeat=0.0)
    )
    trouble = None
    try:
        assert parse_query(text, NOW).matches(found) in (True, False)
    except QueryError as error:
        trouble = error
    if trouble is not None:
        assert 0 <= trouble.position < len(text)
        assert str(trouble).isprintable()


@given(st.from_regex(r"[a-z0-9]{1,8}", fullmatch=True), st.booleans())
def test_quotation_marks_change_nothing_about_a_plain_word(word, minus):
    sign = "-" if minus else ""
    found = RunFacts(RunDirectory(_NOWHERE), Status(name="abc123", state="done", created=0.0, heartbeat=0.0))
    assert asks_for(f"{sign}{word}", found) == asks_for(f'{sign}"{word}"', found)
