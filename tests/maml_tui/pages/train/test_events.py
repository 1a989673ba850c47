from __future__ import annotations

from maml_tui.pages.train.sections import event_list, latest


def test_the_newest_event_comes_first(scene, records, texts):
    shown = event_list(scene(records.saved(20), records.validation(40), state="running"))
    assert shown.title == "Events · 2"
    first, second = texts(shown)
    assert "eval       iteration 40: val accuracy 93.00 ± 0.70 %" in first
    assert "checkpoint f.pt (periodic)" in second
    assert texts(latest(scene(records.saved(20)))) == [second]


def test_another_day_has_its_date(scene, records, texts):
    (today,) = texts(event_list(scene(records.saved(20))))
    (later,) = texts(event_list(scene(records.saved(20), later=3 * 86_400)))
    assert today[2] == ":" and later[2] == "-" and later[6:].startswith(today[:8])


def test_nothing_yet(scene, texts):
    assert texts(event_list(scene())) == ["no events yet"]
    assert texts(latest(scene())) == []
