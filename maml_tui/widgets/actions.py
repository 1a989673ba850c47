"""Everything that a key can do, in one table: it feeds the keys, the line at the bottom, the palette and the help."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from textual.binding import BindingType


@dataclass(frozen=True)
class Action:
    """One thing that a person can do.

    Attributes:
        id: `scope.name`; what a person's keymap calls it. The scope is where it holds.
        keys: As Textual names them, comma-separated.
        label: One or two words for the line at the bottom.
        run: The Textual action, looked for from the focused widget up to the application.
        rank: Its right to room in the line at the bottom: the lowest stay longest; 0 is never shown there.
    """

    id: str
    keys: str
    label: str
    help: str
    run: str
    rank: int = 0

    @property
    def scope(self) -> str:
        """Where it holds: the part of the id before the dot."""
        return self.id.partition(".")[0]


SCOPES = {
    "app": "Everywhere",
    "setup": "Setup",
    "train": "Train",
    "runs": "Runs",
    "compare": "Compare",
    "adapt": "Adapt",
    "plot": "In a plot",
}
"""Headings of the scopes, in the order of the help."""

ACTIONS = (
    # everywhere
    Action("app.setup", "1", "Setup", "Choose what to train, and start it", "show('setup')"),
    Action("app.train", "2", "Train", "Watch and steer a run", "show('train')"),
    Action("app.runs", "3", "Runs", "All runs on this machine", "show('runs')"),
    Action("app.compare", "4", "Compare", "Several runs side by side", "show('compare')"),
    Action("app.adapt", "5", "Adapt", "See a model learn one task", "show('adapt')"),
    Action("app.help", "question_mark,f1", "Help", "All keys that work here", "help", 2),
    Action("app.palette", "ctrl+p", "Palette", "Find an action by its name", "command_palette", 7),
    Action("app.maximise", "z", "Zoom", "The focused pane alone; esc brings the others back", "zoom", 6),
    Action("app.back", "escape", "Back", "One layer back", "step_back"),
    Action("app.next", "tab", "Next pane", "Go to the next pane or field", "app.focus_next"),
    Action(
        "app.previous", "shift+tab", "Previous pane", "Go to the pane or field before", "app.focus_previous"
    ),
    Action("app.leave", "q", "Detach", "Close this window; runs go on", "leave", 1),
    # Setup: letters are typed into the form, so nothing but control keys
    Action("setup.start", "ctrl+s", "Start", "Start the run that the form describes", "start", 1),
    Action("setup.error", "ctrl+n", "Next error", "Go to the next field that is wrong", "next_error", 3),
    Action(
        "setup.estimate", "ctrl+t", "Measure", "Measure speed and memory for a few seconds", "estimate", 2
    ),
    Action("setup.presets", "ctrl+o", "Presets", "Go to the list of presets", "presets", 4),
    Action(
        "setup.copy", "ctrl+g", "Copy command", "Copy the command that starts the same run", "copy_command", 5
    ),
    Action("setup.save", "f2", "Save", "Save the form as a preset of your own", "save", 6),
    Action("setup.delete", "delete", "Delete…", "Delete the preset of your own at the cursor", "delete", 8),
    Action("setup.filter", "slash", "Filter", "Show only some presets: words of their names", "filter", 8),
    # Train
    Action("train.pause", "space", "Pause", "Pause the run, or let it go on", "pause", 2),
    Action("train.checkpoint", "c", "Ckpt", "Write a checkpoint now", "checkpoint", 4),
    Action("train.evaluate", "e", "Eval", "Validate now", "evaluate", 5),
    Action("train.stop", "X", "Stop…", "Stop the run, or leave it: choose how", "stop", 3),
    Action(
        "train.resume", "r", "Resume", "Continue a stopped or lost run from its last checkpoint", "resume", 4
    ),
    Action("train.log", "v", "Log", "Show all events, or the plots again", "log", 8),
    Action("train.overlay", "o", "Overlay", "Compare this run with others", "overlay", 9),
    # Runs
    Action("runs.open", "enter", "Open", "Watch the run", "open", 2),
    Action("runs.select", "space", "Select", "Select the run for a comparison", "select", 3),
    Action("runs.resume", "r", "Resume", "Continue a paused, stopped or lost run", "resume", 4),
    Action("runs.stop", "X", "Stop…", "Stop the run: choose how", "stop", 5),
    Action("runs.compare", "d", "Compare", "Compare the selected runs", "compare", 4),
    Action("runs.tag", "t", "Tag", "Set the run's tags", "tag", 8),
    Action("runs.note", "n", "Note", "Write a note on the run", "note", 11),
    Action("runs.delete", "D", "Delete…", "Delete the run for good", "delete", 8),
    Action("runs.filter", "slash", "Filter", "Show only some runs: ways:20 acc>=90 -tag:debug", "filter", 6),
    Action("runs.sort", "S", "Sort", "Sort by the next column", "sort", 7),
    Action("runs.copy", "Y", "Copy", "Copy the path of the run's folder", "copy", 12),
    Action("runs.up", "up,k", "Up", "The run above", "cursor(-1)"),
    Action("runs.down", "down,j", "Down", "The run below", "cursor(1)"),
    Action("runs.page_up", "pageup", "Page up", "A page of runs up", "page(-1)"),
    Action("runs.page_down", "pagedown", "Page down", "A page of runs down", "page(1)"),
    Action("runs.first", "home,g", "First", "The first run", "cursor(-1_000_000_000)"),
    Action("runs.last", "end,G", "Last", "The last run", "cursor(1_000_000_000)"),
    # Compare
    Action("compare.choose", "o", "Choose", "Choose runs in the list of runs", "app.show('runs')", 3),
    Action("compare.measure", "m", "Measure", "Measure all on the same test tasks", "measure", 2),
    # Adapt: a small letter is more, its capital is less
    Action("adapt.next_step", "full_stop,greater_than_sign", "Step", "One more inner step", "step(1)", 2),
    Action("adapt.previous_step", "comma,less_than_sign", "Step -", "One inner step fewer", "step(-1)"),
    Action("adapt.play", "space", "Play", "Go through the inner steps, or halt", "play", 3),
    Action("adapt.next_task", "n", "Task", "The next task", "task(1)", 4),
    Action("adapt.previous_task", "N", "Task -", "The task before", "task(-1)"),
    Action("adapt.any_task", "r", "Any task", "Any other task", "any_task", 9),
    Action("adapt.more_shots", "k", "K", "Learn from one more example (of each class)", "shots(1)", 5),
    Action("adapt.fewer_shots", "K", "K -", "Learn from one example fewer", "shots(-1)"),
    Action("adapt.raise", "up,a", "Amplitude", "A larger amplitude", "amplitude(1)", 6),
    Action("adapt.lower", "down,A", "Amplitude -", "A smaller amplitude", "amplitude(-1)"),
    Action("adapt.right", "right", "Phase", "A larger phase", "phase(1)", 8),
    Action("adapt.left", "left", "Phase -", "A smaller phase", "phase(-1)"),
    Action("adapt.own", "0", "Own curve", "The task's own amplitude and phase again", "own"),
    Action("adapt.next_page", "pagedown", "Page", "More pictures of the same task", "page(1)", 6),
    Action("adapt.previous_page", "pageup", "Page -", "The pictures before", "page(-1)"),
    Action(
        "adapt.checkpoint",
        "v",
        "Best/latest",
        "Start from the best or the latest checkpoint",
        "checkpoint",
        7,
    ),
    Action("adapt.split", "t", "Val/test", "Validation tasks or test tasks", "split", 10),
    Action("adapt.export", "w", "Export", "Write the curve as SVG, PNG and CSV", "export", 11),
    # in a plot
    Action("plot.left", "left,h", "Left", "Move the crosshair to the left", "crosshair(-1)"),
    Action("plot.right", "right,l", "Right", "Move the crosshair to the right", "crosshair(1)"),
    Action(
        "plot.far_left",
        "shift+left,H",
        "Far left",
        "Move the crosshair ten columns to the left",
        "crosshair(-10)",
    ),
    Action(
        "plot.far_right", "shift+right,L", "Far right", "Move the crosshair ten to the right", "crosshair(10)"
    ),
    Action("plot.zoom_in", "plus,equals_sign", "Zoom in", "Show less of the x-axis", "zoom(0.5)"),
    Action("plot.zoom_out", "minus", "Zoom out", "Show more of the x-axis", "zoom(2)"),
    Action("plot.pan_left", "left_square_bracket", "Pan left", "Show what lies to the left", "pan(-0.25)"),
    Action("plot.pan_right", "right_square_bracket", "Pan right", "Show what lies to the right", "pan(0.25)"),
    Action("plot.reset", "0", "Reset", "Show everything again", "reset"),
    Action("plot.follow", "f", "Follow", "Keep the newest point in sight", "follow"),
    Action("plot.log_y", "y", "Log y", "Logarithmic y-axis, or linear", "switch('log_y')", 10),
    Action("plot.log_x", "g", "Log x", "Logarithmic x-axis, or linear", "switch('log_x')"),
    Action("plot.x_axis", "x", "X axis", "Iterations, tasks or time along the x-axis", "x_axis", 13),
    Action("plot.smooth", "s", "Smooth", "Moving average: none, .6, .9, .99", "smooth", 11),
    Action("plot.band", "b", "CI", "95 % confidence bands on or off", "switch('band')", 12),
    Action("plot.next_metric", "p", "Metric", "The next metric", "metric(1)", 12),
    Action("plot.previous_metric", "P", "Metric -", "The metric before", "metric(-1)"),
    Action("plot.export", "w", "Export", "Write the figure as SVG, PNG and CSV", "export", 10),
    Action("plot.copy", "Y", "Copy", "Copy the visible values, tab-separated", "copy"),
)

BY_ID = {action.id: action for action in ACTIONS}

SCROLL_KEYS: list[BindingType] = [
    ("h", "scroll_left"),
    ("j", "scroll_down"),
    ("k", "scroll_up"),
    ("l", "scroll_right"),
    ("g", "scroll_home"),
    ("G", "scroll_end"),
]
"""Keys beside Textual's own in a pane that scrolls, for its `BINDINGS`; no help lists them."""


def bindings(*scopes: str) -> list[BindingType]:
    """Return the key bindings of some scopes, for a widget's or a page's `BINDINGS`."""
    from textual.binding import Binding  # here, so that the settings can be checked without Textual

    return [
        Binding(
            action.keys, action.run, action.label, id=action.id, show=action.rank > 0, tooltip=action.help
        )
        for action in ACTIONS
        if action.scope in scopes
    ]


def keys_of(action: Action, keymap: Mapping[str, str]) -> tuple[str, ...]:
    """Return the keys of an action under a person's keymap."""
    return tuple(key.strip() for key in keymap.get(action.id, action.keys).split(",") if key.strip())


def conflicts(keymap: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    """Yield each key that a keymap gives to two actions which hold at the same time, with their ids.

    What holds in a plot or everywhere stands behind what the page itself does, unless the keymap says so.
    """
    for scope in SCOPES:
        taken: dict[str, str] = {}
        for action in ACTIONS:
            if action.scope not in (scope, "app"):
                continue
            for key in keys_of(action, keymap):
                other = taken.setdefault(key, action.id)
                if other != action.id and {other, action.id} & keymap.keys():
                    yield key, other, action.id
