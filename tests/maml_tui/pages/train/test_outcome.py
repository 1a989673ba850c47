from __future__ import annotations

from maml_tui.pages.train.sections import outcome


def test_every_column_of_the_result_and_its_notes(scene, result, texts):
    shown = outcome(scene(state="done", result=result), 50)
    lines = texts(shown)
    assert lines[0] == "step  best accuracy %  last accuracy %"
    assert lines[4] == "3*       90.00 ± 0.70     90.00 ± 0.70"
    assert shown.lines[4][0][1] == "strong"
    assert lines[7] == "" and lines[8].startswith("* scored after 3 inner steps")
    assert all(len(line) <= 50 for line in lines[8:])


def test_without_room_for_both_checkpoints_they_stand_one_below_the_other(scene, result, texts):
    lines = texts(outcome(scene(state="done", result=result), 37))
    assert lines[0] == "step  best accuracy %"
    assert lines[7:9] == ["", "step  last accuracy %"]
    assert lines[15:17] == ["", "* scored after 3 inner steps; 600"]


def test_before_the_end_there_is_none(scene, texts):
    assert texts(outcome(scene(state="running"), 50)) == ["not measured yet: it comes at the end of the run"]
