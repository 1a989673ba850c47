"""The form: a group of fields for each part of a run, all made from the schema."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.containers import Container, VerticalScroll
from textual.widgets import Tab, Tabs

from maml_tui.drafting.draft import NAME
from maml_tui.drafting.fields import GROUPS, Field
from maml_tui.widgets.field_row import FieldRow

if TYPE_CHECKING:
    from collections.abc import Sequence, Set

    from textual.app import ComposeResult

    from maml_tui.drafting.draft import Draft


class DraftForm(Container):
    """Shows a draft for editing: all groups below each other or, where the style sheet says so, one of them.

    Args:
        fields: What can be filled in.
        wrong_mark: The mark of a field that is wrong.
    """

    DEFAULT_CSS: ClassVar[str] = """
    DraftForm {
        height: 1fr;

        Tabs { display: none; height: 1; }
        Underline { display: none; }
        VerticalScroll { scrollbar-size-vertical: 1; }
        .group { layout: grid; grid-size: 2; grid-rows: 1; grid-gutter: 0 1; height: auto; }
    }
    """

    def __init__(self, fields: Sequence[Field], wrong_mark: str) -> None:
        super().__init__()
        self._wrong_mark = wrong_mark
        self._rows = {field.name: FieldRow(field) for field in fields}

    def compose(self) -> ComposeResult:
        """Yield tabs and groups."""
        yield Tabs(*(Tab(group, id=group.lower()) for group in GROUPS))
        with VerticalScroll(can_focus=False):
            for group in GROUPS:
                rows = [row for row in self._rows.values() if row.field.group == group]
                with Container(*rows, id=f"group-{group.lower()}", classes="group") as box:
                    box.border_title = group

    def fill_in(self, draft: Draft) -> None:
        """Put a draft's texts into the fields, also into those that are hidden at present."""
        for name, row in self._rows.items():
            row.fill_in(draft.text(name))

    def mark(self, draft: Draft) -> None:
        """Show which fields of a draft have an effect, differ from its base, or are wrong.

        The texts stay as they are: somebody may be typing faster than drafts are checked.
        """
        wrong = {problem.field for problem in draft.problems}
        for name, row in self._rows.items():
            row.display = name in draft.applicable
            changed = name in draft.changed
            sign = self._wrong_mark if name in wrong else "*" if changed else ""
            row.mark(sign, changed=changed, wrong=name in wrong)
        if draft.config is not None:
            self._rows[NAME].hint(draft.request.name_for(draft.config))
        self._count(wrong)

    def offer(self, name: str, choices: tuple[str, ...], chosen: str | None = None) -> None:
        """Let the field `name` be chosen from other texts; `chosen` is put into it unless None."""
        if chosen is not None:
            self._rows[name].fill_in(chosen)
        self._rows[name].offer(choices)

    @property
    def focused_field(self) -> Field | None:
        """The field that has the focus."""
        return next((row.field for row in self._rows.values() if row.has_focus_within), None)

    def go_to_next(self, names: Set[str]) -> bool:
        """Focus the next of the fields `names`, in the order of the form; return whether there is one."""
        order = [name for name, row in self._rows.items() if name in names and row.display]
        if not order:
            return False
        here = self.focused_field
        after = order.index(here.name) + 1 if here and here.name in names else 0
        row = self._rows[order[after % len(order)]]
        self.query_one(Tabs).active = row.field.group.lower()
        row.control.focus()
        return True

    def on_descendant_focus(self) -> None:
        """Open the group that has the focus, for when there is room for one only."""
        if field := self.focused_field:
            self.query_one(Tabs).active = field.group.lower()

    def _count(self, wrong: set[str]) -> None:
        """Tell on each tab how many of its fields are wrong."""
        for group in GROUPS:
            count = sum(self._rows[name].field.group == group for name in wrong if name in self._rows)
            title = f"{group} {self._wrong_mark}{count}" if count else group
            self.query_one(f"#group-{group.lower()}").border_title = title
            tab = self.query_one(f"#{group.lower()}", Tab)
            if tab.label_text != title:
                tab.label = title

    @on(Tabs.TabActivated)
    def _open(self, event: Tabs.TabActivated) -> None:
        for group in GROUPS:
            box = self.query_one(f"#group-{group.lower()}")
            box.set_class(group.lower() == event.tab.id, "-open")
