from __future__ import annotations

import pytest

from engine.runs.status import Status
from maml_tui.cli.human import bar, live_line


def status(state="running", iteration=18000):
    return Status(name="demo", state=state, created=0, heartbeat=0, iteration=iteration, eta_seconds=17340)


def test_a_wide_terminal_gets_everything(train_event):
    assert live_line(status(), train_event(18000), 60000, 120) == (
        "● running  ━━━━━━━━────────────────────  18,000/60,000  30%  ETA 4:49:00  2.41 it/s  "
        "loss 0.236  acc 94.8%  38.6 tasks/s"
    )


@pytest.mark.parametrize("width", [1, 10, 20, 40, 60, 79, 100, 119, 200])
def test_the_line_is_never_wider_than_the_terminal_and_begins_with_the_state(train_event, width):
    line = live_line(status(), train_event(18000), 60000, width)
    assert len(line) <= width
    assert "● running".startswith(line[:9])


def test_at_80_columns_the_bar_outweighs_the_last_details(train_event):
    line = live_line(status(), train_event(18000), 60000, 79)
    assert "━" in line
    assert "it/s" in line
    assert "tasks/s" not in line


def test_before_the_first_record_there_is_state_and_progress():
    assert live_line(status("warming-up", 0), None, 60, 30) == "○ warming-up  0/60  0%"


def test_a_validation_is_told(train_event):
    validating = status(iteration=500).model_copy(update={"validated": 0.345})
    line = live_line(validating, train_event(500), 1000, 120)
    assert line.startswith("● validating 34%  ") and "500/1,000" in line
    lost = validating.model_copy(update={"state": "lost"})
    assert live_line(lost, train_event(500), 1000, 120).startswith("! lost  ")


def test_while_the_result_is_measured_it_tells_how_far_that_is(train_event):
    measuring = status(iteration=60000).model_copy(update={"measured": 0.345})
    assert live_line(measuring, train_event(60000), 60000, 120) == "● measuring  34% of the test tasks"
    assert live_line(measuring, train_event(60000), 60000, 9) == "● measuri"
    ended = measuring.model_copy(update={"state": "done"})
    assert live_line(ended, train_event(60000), 60000, 120).startswith("✓ done")


@pytest.mark.parametrize(
    ("fraction", "text"), [(0, "────"), (0.5, "━━──"), (1, "━━━━"), (1.7, "━━━━"), (-1, "────")]
)
def test_a_bar_is_never_longer_than_all(fraction, text):
    assert bar(fraction, 4) == text
