from __future__ import annotations

import numpy as np
import pytest

from maml_tui.pages.train.progress import (
    essence,
    progress_bar,
    progress_text,
    relative_spread,
    status_line,
    time_left,
    track,
)
from maml_tui.pages.train.scene import text_of

RUNNING = {
    "state": "running",
    "iteration": 30,
    "iterations_per_second": 2.41,
    "eta_seconds": 620.0,
    "seconds": 7634.0,
    "best": 0.934,
    "best_iteration": 20,
}


def test_the_status_line_tells_all_where_there_is_room(scene):
    shown = scene(**RUNNING)
    line = text_of(status_line(shown, 120))
    words = f"● RUNNING  demo  {shown.watch.run.id}  seed 0  30/60  2.41 it/s  elapsed 2:07:14  ETA 10:20"
    assert line == words


def test_a_narrow_line_keeps_what_matters_most_and_has_no_panel_for_the_gpu(scene, records):
    shown = scene(**RUNNING, telemetry=records.sample())
    line = text_of(status_line(shown, 72))
    assert "GPU 87 %" in line and "seed" not in line and len(line) <= 72
    assert text_of(status_line(shown, 40)).startswith("● RUNNING  demo")


@pytest.mark.parametrize("width", range(1, 130))
def test_it_never_is_wider_than_the_room_but_for_the_state(scene, width):
    shown = scene(**RUNNING)
    assert len(text_of(status_line(shown, width))) <= max(width, len("● RUNNING"))


def test_the_essence_of_a_run_in_thirty_columns(scene):
    shown = scene(**RUNNING)
    assert text_of(essence(shown, 40)) == f"● {shown.watch.run.id} 50.0% best 93.40 10:20"
    assert text_of(essence(shown, 22)) == f"● {shown.watch.run.id} 50.0%"
    assert text_of(status_line(shown, 22)) == text_of(essence(shown, 22))


def test_before_anything_is_known_nothing_is_invented(scene):
    assert text_of(status_line(scene(state="warming-up"), 100)).endswith("seed 0  0/60  elapsed 0:00")


def test_time_left_has_an_uncertainty_once_the_speed_is_known(scene, records):
    told = [records.trained(i, iterations_per_second=speed) for i, speed in enumerate([2, 2.2, 1.8, 2, 2.1])]
    assert text_of(time_left(scene(**RUNNING))) == "ETA 10:20"
    assert text_of(time_left(scene(*told, **RUNNING))) == "ETA 10:20 ± 0:41"
    assert time_left(scene(*told, **RUNNING | {"state": "done"})) == ()


def test_the_spread_is_that_of_the_mean_seconds_per_iteration():
    pace = np.array([0.4, 0.5, 0.6, 0.5, 0.5])
    expected = 1.96 * pace.std(ddof=1) / np.sqrt(5) / 0.5
    assert relative_spread(1 / pace) == pytest.approx(expected)
    assert relative_spread(np.array([2.0, np.nan, 2.0, 0.0, 2.0, 2.0])) is None


def test_what_comes_next_and_what_is_safe(scene, records):
    assert text_of(progress_text(scene(records.saved(20), **RUNNING), 60)) == (
        "50.0 %   next validation in 10 it   checkpoint 1 m ago"
    )
    assert "no checkpoint yet" in text_of(progress_text(scene(**RUNNING), 60))


def test_facts_give_way_where_there_is_no_room(scene, records):
    shown = scene(records.saved(20), **RUNNING)
    assert text_of(progress_text(shown, 40)) == "50.0 %   next validation in 10 it"
    assert text_of(progress_text(shown, 20)) == "50.0 %"


@pytest.mark.parametrize(("iteration", "every"), [(50, 50), (30, 0)])
def test_no_validation_is_announced_that_will_not_come(scene, iteration, every):
    shown = scene(**RUNNING | {"iteration": iteration}, overrides=[f"eval_every={every}"])
    assert "validation" not in text_of(progress_text(shown, 120))


def test_the_last_measurement_has_a_progress_of_its_own(scene):
    shown = scene(**RUNNING | {"measured": 0.25})
    assert text_of(progress_text(shown, 60)) == "25.0 %   of the final measurement"
    assert text_of(progress_bar(shown, 8)) == "━━──────"


@pytest.mark.parametrize(("share", "full"), [(-1, 0), (0, 0), (0.5, 5), (1, 10), (3, 10)])
def test_a_bar_has_its_width_whatever_the_share(share, full):
    assert text_of(track(share, 10)) == "━" * full + "─" * (10 - full)
