"""`maml bench`: how fast a meta-iteration is here, beside the ways of other programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from engine.config.presets import load_preset
from engine.config.resolve import override_layer, resolve
from engine.config.toml import config_tables
from engine.services.messages import OURS, PEERS, BenchSetup
from maml_tui.cli.arguments import AsJson, Device, complete_presets
from maml_tui.cli.output import emit, emit_json, emit_notes, emit_table, say
from maml_tui.reports.wording import MISSING, significant

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.config.schema import RunConfig
    from engine.services.bench.race import Row

app = typer.Typer()

WORKLOADS = {
    "Omniglot, 1 query": ("omniglot-5w1s", ()),
    "Omniglot, 15 queries": ("omniglot-5w1s", ("queries=15",)),
    "MiniImagenet": ("miniimagenet-5w1s", ()),
    "sinusoid": ("sinusoid-10shot", ()),
}
"""What is measured where no preset is named: preset and settings by title."""

_COLUMNS = (
    "way",
    "order",
    "ms",
    "10-90 %",
    "it/s",
    "tasks/s",
    "memory MB",
    "of peak",
    "times ours",
    "difference",
)


@app.command(
    "bench",
    epilog="\b\nExamples:\n  maml bench smoke\n  maml bench --peers\n  maml bench omniglot-5w1s -s task_chunk=1 --json",
)
def bench(
    preset: Annotated[
        str | None,
        typer.Argument(
            metavar="PRESET",
            help="What to compute; four usual workloads if left out.",
            autocompletion=complete_presets,
        ),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", "-s", metavar="KEY=VALUE", help="One value, laid over the preset; repeatable."),
    ] = None,
    peers: Annotated[
        bool,
        typer.Option("--peers", help="Beside other programs' ways, those of installed libraries among them."),
    ] = False,
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Measure meta-iterations, Adam's update included, on tasks of noise: no data set is needed.

    Every way runs in a process of its own, in turns with the others, after its meta-gradient has been compared with
    the reference's in float64.
    """
    chosen = {preset: (preset, ())} if preset else WORKLOADS
    reports = []
    for title, (name, overrides) in chosen.items():
        config = resolve([load_preset(name).layer, override_layer([*overrides, *(settings or [])])]).config
        rows = measure(config, (OURS, *PEERS) if peers else (OURS,), device)
        reports.append({"workload": title, "preset": name, "rows": [row.model_dump() for row in rows]})
        if not as_json:
            _show(title, config, rows)
    if as_json:
        emit_json(reports)


def measure(config: RunConfig, contestants: Sequence[str], device: str) -> list[Row]:
    """Let contestants race over a configuration, in second and in first order."""
    from engine.services.bench.race import race

    tables = config_tables(config)
    setups = [
        BenchSetup(config=tables, order=order, contestant=name, device=device)
        for order in (2, 1)
        for name in contestants
    ]
    return race(setups, config.training.meta_batch_size, say)


def _show(title: str, config: RunConfig, rows: Sequence[Row]) -> None:
    training, ran = config.training, [row for row in rows if row.median is not None]
    emit(f"{title}: {training.meta_batch_size} tasks, {config.algorithm.inner_steps} inner steps", "bold")
    emit_table(_COLUMNS, [_cells(row, ran) for row in rows])
    emit_notes(_notes(rows))
    emit("")


def _cells(row: Row, rows: Sequence[Row]) -> list[str]:
    ours = next((one.median for one in rows if one.contestant == OURS and one.order == row.order), None)
    return [
        f"{row.contestant} ({row.path})" if row.contestant == OURS else row.contestant,
        {2: "second", 1: "first"}[row.order],
        significant(_scaled(row.median, 1e3)),
        f"{significant(_scaled(row.p10, 1e3))}-{significant(_scaled(row.p90, 1e3))}",
        significant(row.iterations_per_second),
        significant(row.tasks_per_second),
        significant(_scaled(row.memory, 1e-6)),
        MISSING if row.share_of_peak is None else f"{row.share_of_peak:.0%}",
        MISSING if row.median is None or ours is None else significant(row.median / ours),
        MISSING if row.difference is None else f"{row.difference:.0e}{' WRONG' if row.wrong else ''}",
    ]


def _scaled(value: float | None, factor: float) -> float | None:
    return None if value is None else value * factor


def _notes(rows: Sequence[Row]) -> list[str]:
    problems = dict.fromkeys(f"{row.contestant}: {row.problem}" for row in rows if row.problem)
    ours = {row.order: row.median for row in rows if row.contestant == OURS and row.median is not None}
    if len(ours) == 2:
        return [*problems, f"First order takes {ours[1] / ours[2]:.0%} of the time of second order."]
    return [*problems]
