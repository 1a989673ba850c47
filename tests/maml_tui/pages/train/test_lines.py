from __future__ import annotations

from maml_tui.pages.train.scene import Part, fitted, joined, text_of

PARTS = [Part(2, (("name", ""),)), Part(0, (("state", "good"),)), Part(1, (("speed", ""),))]


def test_all_parts_stand_in_their_order_where_there_is_room():
    assert text_of(fitted(PARTS, 80)) == "name  state  speed"


def test_the_highest_ranks_go_first():
    assert text_of(fitted(PARTS, 17)) == "state  speed"
    assert text_of(fitted(PARTS, 11)) == "state"


def test_the_first_in_rank_stays_whatever_the_width():
    assert fitted(PARTS, 1) == (("state", "good"),)


def test_roles_survive_joining():
    assert joined([(("a", "bad"),), (("b", ""),)], " | ") == (("a", "bad"), (" | ", ""), ("b", ""))
