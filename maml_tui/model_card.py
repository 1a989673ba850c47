"""The page that goes with an exported model: what it is, how to use it, what it can do, where it comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maml_tui.result_files import to_markdown
from maml_tui.results import result_table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.application.protocol import Facts
    from engine.config.schema import RunConfig


def model_card(facts: Facts, config: RunConfig, file: str) -> str:
    """Return the model card, in Markdown.

    Args:
        facts: What is known of the parameters.
        config: The configuration that they were learned by.
        file: Name of the file that holds them.
    """
    return "\n".join(
        (
            f"# {facts.name}\n",
            _what(facts, config),
            "## Use\n",
            _use(config, file),
            "## Results\n",
            _results(facts, config),
            "## Configuration\n",
            f"```toml\n{facts.config}```\n",
            "## Provenance\n",
            _provenance(facts),
        )
    )


def _what(facts: Facts, config: RunConfig) -> str:
    task = config.task
    ways = "" if config.is_regression else f"{task.ways}-way "
    return (
        f"{facts.parameters:,} parameters learned by {config.algorithm.algorithm} on {ways}{task.shots}-shot tasks of "
        f"{config.data_name}: the {facts.checkpoint} checkpoint, after {facts.iteration:,} meta-updates. They are a "
        "starting point, from which a few gradient steps on a few examples lead to a model of a new task.\n"
    )


def _use(config: RunConfig, file: str) -> str:
    support, query = ("points.csv", "xs.csv") if config.is_regression else ("support/", "query/")
    needed = (
        "`points.csv` has a line x,y for each known point, `xs.csv` a line x for each value to predict."
        if config.is_regression
        else f"`support/` has a folder of pictures for each of {config.task.ways} new classes; `query/` has "
        "pictures to tell apart."
    )
    return (
        f"```bash\nmaml adapt {file} --support {support} --query {query}\n```\n\n{needed} "
        f"Adaptation takes {config.evaluation.eval_steps} gradient steps unless `--steps` says otherwise. The file "
        "is read by any program that reads safetensors; its metadata repeat what stands here.\n"
    )


def _results(facts: Facts, config: RunConfig) -> str:
    if not facts.measurements:
        return "These parameters were not measured on test tasks before they were exported.\n"
    return to_markdown(result_table(config, facts.measurements, facts.fingerprint))


def _provenance(facts: Facts) -> str:
    tables: dict[str, Mapping[str, str]] = {
        "parameters": {"sha256": facts.sha256},
        "preset": facts.preset,
        "fingerprint": facts.fingerprint,
        "version": facts.versions,
        "place": facts.place,
    }
    lines = [
        f"- {table} {name}: `{value}`\n"
        for table, entries in tables.items()
        for name, value in entries.items()
    ]
    return "".join(lines)
