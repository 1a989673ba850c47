"""What is shown beside the form: cost, comparison, command and checks, first as words, then as a panel."""

from __future__ import annotations

import shlex
import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.containers import VerticalScroll
from textual.content import Content

from engine.text import printable
from maml_tui.pages.setup.checks import changes, memory, reported, speed, update_size
from maml_tui.reports.wording import duration, significant
from maml_tui.widgets.lazy_static import LazyStatic

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from engine.services.messages import Costs
    from maml_tui.pages.setup.checks import Check, Estimate, Verdict
    from maml_tui.pages.setup.draft import Draft
    from maml_tui.runs.new_run import Request


@dataclass(frozen=True)
class Block:
    """Lines under a heading."""

    heading: str
    lines: tuple[str, ...]


def blocks(draft: Draft, estimate: Estimate, measure_key: str) -> list[Block]:
    """Return all but the checks; `measure_key` measures the cost."""
    costs = Block("Cost", (*_cost(estimate, measure_key), *_update(draft)))
    return [costs, _comparison(draft), Block("The same on the command line", command_lines(draft.request))]


def command_lines(request: Request) -> tuple[str, ...]:
    """Return the command that starts the same run, an option a line."""
    lines = [["maml", "train"]]
    for word in shlex.split(request.command())[2:]:
        if word.startswith("-"):
            lines.append([])
        lines[-1].append(word)
    return tuple(
        "  " * (place > 0) + shlex.join(words) + (" \\" if place < len(lines) - 1 else "")
        for place, words in enumerate(lines)
    )


def two_lines(draft: Draft, estimate: Estimate, checks: Sequence[Check], measure_key: str) -> tuple[str, str]:
    """Return the most important of it all, for a small terminal: the cost, and what is in the way of a start."""
    costs = estimate.costs
    if costs is None:
        first = "; ".join([*_cost(estimate, measure_key), *_update(draft)])
    else:
        first = f"≈ {duration(costs.seconds)} · {speed(costs)} · {memory(costs.memory_peak)}"
    worst = next((check for verdict in ("bad", "note") for check in checks if check.verdict == verdict), None)
    return first, worst.text if worst else f"ready: {draft.request.command()}"


def _cost(estimate: Estimate, key: str) -> tuple[str, ...]:
    if estimate.seconds is not None:
        return (f"measuring, {estimate.seconds} s … {key} calls it off",)
    if estimate.problem:
        return (estimate.problem,)
    if estimate.costs is None:
        return (f"{key} measures speed, memory and time",)
    return _measured(estimate.costs)


def _measured(costs: Costs) -> tuple[str, ...]:
    return (
        f"speed    {speed(costs)} (p90 {significant(costs.iterations_per_second_p90)})",
        f"memory   {memory(costs.memory_peak)} of {memory(costs.memory_total)}",
        f"time     {duration(costs.seconds)}, tests included",
        f"network  {costs.parameters:,} parameters",
    )


def _update(draft: Draft) -> tuple[str, ...]:
    return () if draft.config is None else (update_size(draft.config),)


def _comparison(draft: Draft) -> Block:
    changed = changes(draft)
    kind = f"preset {draft.base.name}" if draft.base.preset else draft.base.name
    lines = [f"{kind}, changed:", *changed] if changed else [f"exactly {kind}"]
    if draft.config is not None:
        found = reported(draft.config)
        lines.insert(0, f"published: {found}" if found else "nothing published for this task")
    return Block("Compared", tuple(lines))


_MIN_WIDTH = 20
_STYLES = {"good": "$text-success", "note": "$text-warning", "bad": "$text-error bold"}


class DraftPreview(VerticalScroll):
    """Blocks of lines under headings, the checks last; scrolls where they do not fit."""

    def __init__(self, marks: Mapping[Verdict, str]) -> None:
        self._words, self._marks = LazyStatic(), marks
        super().__init__(self._words)
        self.border_title = "Preview"

    def show(self, blocks: Sequence[Block], checks: Sequence[Check]) -> None:
        """Show blocks and checks."""
        self._words.show(Content("\n").join([*self._written(blocks), *self._looked_at(checks)]))

    def _written(self, blocks: Sequence[Block]) -> Iterator[Content]:
        for block in blocks:
            yield Content.styled(block.heading, "bold")
            yield from (line for text in block.lines for line in self._wrapped(text))
            yield Content("")

    def _looked_at(self, checks: Sequence[Check]) -> Iterator[Content]:
        yield Content.styled("Checks", "bold")
        for check in checks:
            first, *others = self._wrapped(f"{self._marks[check.verdict]} {check.text}")
            yield first.stylize(_STYLES[check.verdict], 0, 1)
            yield from others

    def _wrapped(self, text: str) -> list[Content]:
        width = max(_MIN_WIDTH, self.scrollable_content_region.width)
        return [Content(line) for line in textwrap.wrap(printable(text), width, subsequent_indent="  ")]
