"""The tables of a comparison and what must be said beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.containers import ScrollableContainer
from textual.content import Content

from maml_tui.plotting.grid import colour
from maml_tui.reports.contender import LETTERS
from maml_tui.reports.text_table import aligned, cut
from maml_tui.widgets.actions import SCROLL_KEYS
from maml_tui.widgets.lazy_static import LazyStatic

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from maml_tui.reports.comparison import ComparisonTables


_MAX_WIDTH = 22  # cells of a column


def pair_lines(table: ComparisonTables) -> list[str]:
    """Return the differences under their headings; nothing where there are none."""
    return shortened([table.pair_columns, *table.pairs]) if table.pairs else []


def run_lines(table: ComparisonTables, signs: Sequence[str]) -> list[str]:
    """Return the facts and, below them, the options that differ, under the runs' letters, plot `signs` and ids."""
    heads = (
        f"{column[0]} {sign}{column[1:]}" for column, sign in zip(table.columns[1:], signs, strict=False)
    )
    gap = [("",) * len(table.columns)] if table.options else []
    return shortened([("", *heads), *table.facts, *gap, *table.options])


def brief(table: ComparisonTables) -> list[str]:
    """Return the differences and the results alone, the most telling line first."""
    return shortened(table.pairs) + shortened(list(zip(table.columns[1:], table.results, strict=True)))


def shortened(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return rows of cells as lines, each column as wide as its widest cell, which is cut short if it is too wide."""
    return aligned([[cut(cell, _MAX_WIDTH, "..") for cell in row] for row in rows])


class ComparisonView(ScrollableContainer):
    """Tables that scroll where they do not fit, and under them sentences that are wrapped."""

    ALLOW_MAXIMIZE = True
    BINDINGS = SCROLL_KEYS
    DEFAULT_CSS: ClassVar[str] = """
    ComparisonView {
        border: round $foreground 40%;
        border-title-color: $text;
        border-subtitle-color: $text;
        padding: 0 1;
        scrollbar-size: 1 1;
        &:focus { border: heavy $primary; }
        & > LazyStatic { margin-bottom: 1; }
        & > #pairs, & > #runs { width: auto; }
        & > #notes { color: $text-muted; }
    }
    """

    def __init__(self) -> None:
        super().__init__(
            *(LazyStatic(id=part) for part in ("pairs", "obstacles", "runs", "notes")), id="view"
        )
        self.border_title = "Results and what differs"

    def show(self, table: ComparisonTables, marks: Sequence[str]) -> None:
        """Show a comparison; `marks` are what the line of each run looks like in the plot."""
        head, *others = run_lines(table, marks)
        self._say(
            "pairs", [Content.styled(line, "bold" * (row == 0)) for row, line in enumerate(pair_lines(table))]
        )
        self._say("obstacles", map(Content, table.obstacles))
        self._say("runs", [self._runs(head, marks), *map(Content, others)])
        self._say("notes", map(Content, table.notes))

    def _say(self, part: str, lines: Iterable[Content]) -> None:
        words, text = self.query_one(f"#{part}", LazyStatic), Content("\n").join(lines)
        words.display = bool(text)
        words.show(text)

    def _runs(self, line: str, marks: Sequence[str]) -> Content:
        """Give each letter, and the sign of its line, their colour."""
        content = Content.styled(line, "bold")
        for slot, (letter, mark) in enumerate(zip(LETTERS, marks, strict=True)):
            start = line.find(f"{letter} {mark}")
            if start >= 0 and not self.app.no_color:
                content = content.stylize(colour(slot), start, start + 3)
        return content
