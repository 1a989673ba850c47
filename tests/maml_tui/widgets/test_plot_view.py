from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from maml_tui.plotting import Charset
from maml_tui.plotting.grid import colour
from maml_tui.plotting.series import Plot, Series, Stroke
from maml_tui.widgets.plot_view import PlotView


@pytest.fixture
def shown(perform):
    """Show plots one after the other, or do other things; return the terminal's screen and the bytes of each step."""

    def show(*steps, **terminal):
        moves = [_showing(step) if isinstance(step, Plot) else step for step in steps]
        _, screen, costs = perform(PlotView(), *moves, **terminal)
        return screen, costs

    return show


def _showing(plot):
    return lambda app, _: app.widget.show(plot)


def grown(n, **changes):
    x = np.arange(float(n))
    y = 0.8 - 0.6 * np.exp(-x / 300) + np.random.default_rng(0).normal(0, 0.05, 2000)[:n]
    xv = x[::100]
    yv = 0.8 - 0.6 * np.exp(-xv / 300)
    val = Series("val", xv, yv, yv - 0.15, yv + 0.15)
    train = Series("train", x, y, slot=1, stroke=Stroke.DASHED)
    return replace(Plot((train, val), x_range=(0, 2000), y_range=(0, 1), smoothing=0.9), **changes)


SEQUENCES = [
    [grown(500), grown(501), grown(540), grown(900)],
    [grown(500), grown(500, y_range=(0, 2)), grown(520, y_range=(0, 2))],
    [grown(500, crosshair=300.0), grown(510, crosshair=700.0), grown(510)],
    [grown(900), Plot(), grown(3), grown(900, band=False)],
    [grown(900), grown(900, charset=Charset.ASCII), grown(900, charset=Charset.BLOCK, y_log=True)],
]


@pytest.mark.parametrize("plots", SEQUENCES)
def test_a_partial_repaint_leaves_the_same_screen_as_a_full_one(shown, plots):
    assert shown(*plots)[0].buffer == shown(plots[-1])[0].buffer


def test_new_samples_cost_little_and_no_news_nothing(shown):
    _, costs = shown(grown(502), grown(504), grown(504))
    assert costs[1] < 300 < 1500 < costs[0]
    assert costs[2] == 0


@pytest.mark.parametrize("size", [(1, 1), (2, 1), (1, 5), (6, 2), (19, 4), (20, 5), (30, 6), (200, 60)])
@pytest.mark.parametrize("plot", [Plot(), grown(0), grown(1), grown(900), grown(900, crosshair=10.0)])
def test_there_is_no_size_it_cannot_be(shown, size, plot):
    assert len(shown(plot, size=size)[0].display) == size[1]


def test_a_plot_without_samples_says_why(shown):
    def explain(app, pilot):
        app.widget.empty = "no point yet: the first validation comes after 200 iterations"

    text = shown(explain, Plot(x_range=(0, 100)), size=(40, 10))[0].display
    assert text[3][6:].strip() == "no point yet: the first validation"
    assert text[4][6:].strip() == "comes after 200 iterations"
    assert text[-1].endswith("100")
    assert "no point yet" not in "\n".join(shown(explain, grown(5))[0].display)


def test_samples_out_of_sight_are_not_called_missing(shown):
    assert "no value to show here" in "\n".join(shown(grown(5, x_range=(100, 200)))[0].display)
    assert "no value to show here" in "\n".join(shown(Plot((Series("a", [1], [np.nan]),)))[0].display)


def colours(screen):
    cells = [screen.buffer[y][x] for y in range(screen.lines) for x in range(screen.columns)]
    return {cell.fg for cell in cells}, {cell.bg for cell in cells}


def test_series_have_their_colours_and_bands_tint_the_ground(shown):
    inks, grounds = colours(shown(grown(900))[0])
    assert {colour(0)[1:], colour(1)[1:]} <= inks
    assert len(grounds) == 2
    assert len(colours(shown(grown(900, band=False))[0])[1]) == 1


def test_256_colours_are_enough(shown, monkeypatch):
    monkeypatch.setattr("textual.constants.COLOR_SYSTEM", "256")
    inks, grounds = colours(shown(grown(900))[0])
    assert {colour(0)[1:], colour(1)[1:]} <= inks
    assert len(grounds) == 2


def test_with_16_colours_bands_are_shaded(shown, monkeypatch):
    monkeypatch.setattr("textual.constants.COLOR_SYSTEM", "standard")
    assert "░" in "".join(shown(grown(900))[0].display)


def test_without_colour_nothing_but_characters_tells_series_apart(shown, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    screen = shown(grown(900), theme="ansi-dark")[0]
    assert colours(screen) == ({"default"}, {"default"})
    assert set("░AB") <= set("".join(screen.display))


def test_another_theme_paints_everything_anew(shown):
    def change(app, pilot):
        app.theme = "textual-light"

    dark, light = (colours(shown(*steps)[0])[1] for steps in ([grown(900)], [grown(900), change]))
    assert not dark & light
