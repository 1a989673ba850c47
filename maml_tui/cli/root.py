"""The tree of commands. Each family is imported only when one of its commands is run."""

from __future__ import annotations

import importlib
import itertools
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer
from typer.core import TyperGroup

from maml_tui import __version__

if TYPE_CHECKING:
    from typer._click import Command, Context, HelpFormatter


class Entry(NamedTuple):
    """A command, and the module whose `app` has it; the whole `app` if it has none of that name."""

    section: str
    module: str
    help: str


COMMANDS = {
    "train": Entry("Training", "train", "Start a run and follow it."),
    "attach": Entry("Training", "control", "Watch a live or finished run."),
    "pause": Entry("Training", "control", "Pause a run after its current iteration."),
    "resume": Entry("Training", "control", "Continue a paused, stopped or lost run."),
    "ckpt": Entry("Training", "control", "Write a checkpoint of a live run now."),
    "stop": Entry("Training", "control", "Stop a run, resumably."),
    "runs": Entry("Results", "runs", "List, show and remove runs."),
    "eval": Entry("Results", "evaluate", "Measure a run's checkpoints by a protocol of your own."),
    "adapt": Entry("Results", "adapt", "Let a model learn a new task from examples of your own."),
    "reproduce": Entry("Results", "reproduce", "Make a published table again and say how it agrees."),
    "compare": Entry("Results", "compare", "Compare runs in pairs on the same test tasks."),
    "export": Entry("Results", "export", "Write a run's model, configuration, metrics or results to a file."),
    "bench": Entry("Inputs", "bench", "Measure how fast training is here, beside other programs' ways."),
    "presets": Entry("Inputs", "presets", "Ready-made configurations: list, show, copy, check, compare."),
    "data": Entry("Inputs", "data", "Image data sets: list, get, import, check."),
    "docs": Entry("Help", "docs", "Read the documentation."),
}


class RootGroup(TyperGroup):
    """The command `maml`: its help is written from `COMMANDS` alone, and a command is made when it is asked for."""

    def __init__(self, **attributes: Any) -> None:  # noqa: ANN401 - handed on as they come
        super().__init__(**attributes)
        # Their names, from which a misspelt one is guessed.
        self.commands: dict[str, Any] = dict.fromkeys(COMMANDS)

    def get_command(self, ctx: Context, cmd_name: str) -> Command | None:  # noqa: ARG002 - click's signature
        """Import and return a command; None if there is none of that name."""
        entry = COMMANDS.get(cmd_name)
        return entry and _make(cmd_name, entry)

    def format_commands(self, ctx: Context, formatter: HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        """Write the commands under their headings."""
        for section, entries in itertools.groupby(COMMANDS.items(), key=lambda item: item[1].section):
            with formatter.section(section):
                formatter.write_dl([(name, entry.help) for name, entry in entries])


app = typer.Typer(
    cls=RootGroup,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Start with: maml, or without the application: maml train smoke",
)


def command() -> Command:
    """Return the whole command line."""
    return typer.main.get_command(app)


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"maml-tui {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def root(
    ctx: typer.Context,
    version: Annotated[  # noqa: ARG001 - acted on by its callback
        bool,
        typer.Option("--version", "-V", callback=_print_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """Meta-learning in the terminal: train models that learn a new task from a few examples.

    Without a command, the application opens.
    """
    if ctx.invoked_subcommand is None:
        from maml_tui.app.terminal import open_app  # and Textual with it

        raise typer.Exit(open_app())


def _make(name: str, entry: Entry) -> Command:
    family = importlib.import_module(f"maml_tui.cli.{entry.module}").app
    family.rich_markup_mode = None  # one look for all help texts, and no Rich to load for it
    group = typer.main.get_group(family)
    return group.commands.get(name, group)
