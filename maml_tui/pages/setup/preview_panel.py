"""What a draft comes to, beside the form: cost, comparison, command, checks."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from textual.containers import VerticalScroll
from textual.content import Content

from engine.text import printable
from maml_tui.widgets.lazy_static import LazyStatic

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from textual.app import ComposeResult

    from maml_tui.pages.setup.checks import Check, Verdict
    from maml_tui.pages.setup.preview import Block

_MIN_WIDTH = 20
_STYLES = {"good": "$text-success", "note": "$text-warning", "bad": "$text-error bold"}


class DraftPreview(VerticalScroll):
    """Blocks of lines under headings, the checks last; scrolls where they do not fit.

    Args:
        marks: The sign of each verdict.
    """

    def __init__(self, marks: Mapping[Verdict, str]) -> None:
        super().__init__()
        self.border_title = "Preview"
        self._marks = marks
        self._words = LazyStatic()

    def compose(self) -> ComposeResult:
        """Yield the text."""
        yield self._words

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
