from __future__ import annotations

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.runs.thinning import thin


def line(seq, kind="train", **fields):
    return json.dumps({"v": 1, "seq": seq, "kind": kind, **fields}).encode()


def size(lines):
    return sum(len(line) + 1 for line in lines)


def seqs(lines):
    return [json.loads(line)["seq"] for line in lines]


def test_what_fits_is_left_alone():
    lines = [line(seq) for seq in range(50)]
    assert thin(lines, size(lines)) == lines


def test_meta_updates_are_thinned_evenly_and_the_newest_quarter_is_not():
    lines = [line(seq) for seq in range(10_000)]
    kept = thin(lines, size(lines) // 2)
    assert size(lines) // 5 < size(kept) <= size(lines) // 2
    assert seqs(kept[-1240:]) == list(range(8760, 10_000))
    gaps = {b - a for a, b in pairwise(seqs(kept)[1:-1250])}
    assert len(gaps) == 1


def test_old_and_new_are_as_dense_as_each_other_however_often_it_is_thinned():
    room, lines, seq = size([line(10_000)]) * 1000, [], 0
    for _ in range(20):
        while size(lines) < room:
            lines += [line(seq + i) for i in range(100)]
            seq += 100
        lines = thin(lines, room // 2)
    old = [number for number in seqs(lines) if number < seq - 1000]
    assert len(old) > 50
    halves = [sum(a <= number < a + seq // 4 for number in old) for a in (0, seq // 4, seq // 2)]
    assert max(halves) - min(halves) <= 2


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("started", {}),
        ("state", {"state": "paused"}),
        ("request", {}),
        ("warning", {"message": "m"}),
        ("finished", {}),
        ("evaluation", {"split": "test"}),
        ("evaluation", {"split": "val", "improved": True}),
        ("of a newer program", {}),
    ],
)
def test_what_says_something_stays_where_thinning_others_is_enough(kind, fields):
    lines = [
        line(seq, kind, **fields) if seq % 10 == 0 else line(seq, "evaluation", split="val", improved=False)
        for seq in range(2000)
    ]
    kept = thin(lines, size(lines) // 2)
    assert size(kept) <= size(lines) // 2
    assert set(lines[::10]) <= set(kept)


def test_each_kind_keeps_its_share():
    kinds = [("train", {}), ("checkpoint", {}), ("evaluation", {"split": "val"})]
    lines = [line(seq, kinds[seq % 3][0], **kinds[seq % 3][1]) for seq in range(6000)]
    kept = thin(lines, size(lines) // 2)
    counts = [sum(json.loads(one)["kind"] == kind for one in kept) for kind, _ in kinds]
    assert max(counts) - min(counts) <= 2


def test_where_nothing_is_dispensable_the_oldest_go_but_the_first():
    lines = [line(seq, "request") for seq in range(1000)]
    kept = thin(lines, size(lines) // 2)
    assert size(kept) <= size(lines) // 2
    assert seqs(kept) == [0, *range(1000 - len(kept) + 1, 1000)]


@given(
    st.lists(
        st.one_of(
            st.binary(max_size=40).filter(lambda data: b"\n" not in data),
            st.builds(
                line,
                st.integers(-(2**70), 2**70),
                st.sampled_from(["train", "checkpoint", "evaluation", "state", "odd"]),
            ),
        ),
        min_size=1,
        max_size=60,
    ),
    st.integers(0, 4000),
)
def test_whatever_the_lines_a_part_of_them_stays_in_order_and_in_the_room(lines, room):
    kept = thin(lines, room)
    assert kept[0] == lines[0] and kept[-1] == lines[-1]
    assert len(kept) <= 2 or size(kept) <= room
    places = iter(lines)
    assert all(one in places for one in kept)
