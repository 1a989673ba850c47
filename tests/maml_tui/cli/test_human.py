from __future__ import annotations

import io

import pyte
import pytest
from rich.console import Console

from engine.runs.events import RequestEvent, WarningEvent
from engine.runs.status import Status
from maml_tui.cli import human
from maml_tui.cli.human import HumanView


def status(iteration):
    return Status(name="demo", state="running", created=0, heartbeat=0, iteration=iteration)


@pytest.fixture
def screen(smoke):
    """A view of the smoke run, what it wrote, and the screen of 80 columns that shows it."""
    out = io.StringIO()
    console = Console(
        file=out, force_terminal=True, width=80, color_system="256", no_color=True, highlight=False
    )
    view = HumanView(smoke.config, console)

    def lines():
        terminal = pyte.Screen(80, 12)
        pyte.Stream(terminal).feed(out.getvalue().replace("\n", "\r\n"))
        return [line.rstrip() for line in terminal.display if line.strip()]

    yield view, out, lines
    view.close()


def test_evaluations_stand_above_the_live_line(screen, train_event, evaluation_event):
    view, _, lines = screen
    view.show([], [train_event(20)], status(20))
    view.show([], [evaluation_event(20, improved=True, best=0.93125, best_iteration=20)], status(21))
    assert [line.split()[0] for line in lines()] == ["iteration", "20", "●"]
    assert "93.12 ± 0.71 *" in lines()[1]
    assert "21/60" in lines()[2]


def test_nothing_is_drawn_where_nothing_has_changed(screen, train_event):
    view, out, _ = screen
    view.show([], [train_event(20)], status(20))
    before = out.getvalue()
    view.show([], [], status(20))
    assert out.getvalue() == before


def test_closing_leaves_the_rows_and_takes_the_live_line_away(screen, evaluation_event):
    view, _, lines = screen
    view.show([], [evaluation_event(20)], status(20))
    view.close()
    assert [line.split()[0] for line in lines()] == ["iteration", "20"]


def test_warnings_and_refusals_are_told_with_control_characters_escaped(screen):
    view, _, lines = screen
    refused = RequestEvent(verb="pause", id="1", outcome="refused", reason="it is paused already")
    view.show([], [WarningEvent(message="odd \x1b[2J"), refused], status(1))
    assert lines()[:2] == ["warning: odd \\x1b[2J", "pause refused: it is paused already"]


def test_colour_is_left_out_when_unwanted(screen, evaluation_event):
    view, out, _ = screen
    view.show([], [evaluation_event(20, improved=True)], status(20))
    assert "\x1b[3" not in out.getvalue()
    assert "\x1b[4" not in out.getvalue()


@pytest.mark.parametrize("width", [10, 40, 60, 80, 120])
def test_rows_fit_and_align_with_their_headings(evaluation_event, width):
    event = evaluation_event(60000, improved=True, best=0.93125, best_iteration=60000, patience_left=12)
    heading, row = human.heading("accuracy", width), human.row(event, 3, width)
    assert max(len(heading), len(row)) <= max(width, 10)
    if width >= 60:
        assert row.index("93.12") == heading.index("accuracy")


def test_a_final_measurement_names_its_checkpoint(evaluation_event, measurement):
    event = evaluation_event(
        40, checkpoint="best", measured=measurement(split="test", metric="mse", mean=0.35, ci95=0.02)
    )
    assert human.row(event, 3, 120).split("  ")[0] == "40"
    assert "test best" in human.row(event, 3, 120)
    assert "0.3500 ± 0.0200" in human.row(event, 3, 120)
