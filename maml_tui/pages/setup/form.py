"""The form: a group of fields for each part of a run, all made from the schema."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.containers import Container, Horizontal, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widgets import Checkbox, Input, Select, Tab, Tabs

from maml_tui.pages.setup.draft import GROUPS, NAME, Draft, Field
from maml_tui.widgets.lazy_static import LazyStatic

if TYPE_CHECKING:
    from collections.abc import Sequence, Set

    from textual.app import ComposeResult


_MAX_TEXT_LENGTH = 120


class Switch(Checkbox):
    """Yes or no, in a word: Textual's own box tells it by colour only."""

    BUTTON_LEFT = BUTTON_INNER = BUTTON_RIGHT = ""

    def watch_value(self) -> None:
        """Write the word."""
        self.label = "yes" if self.value else "no"
        super().watch_value()

    def render(self) -> Content:
        """Return the word, in line with what stands in other fields."""
        return self.label.stylize_before(self.get_visual_style("toggle--label"))


class FieldRow(Horizontal):
    """A field that is typed, chosen or switched, whichever its kind asks for."""

    DEFAULT_CSS: ClassVar[str] = """
    FieldRow {
        height: 1;

        .label { width: 19; }
        Input, Select { width: 1fr; }
        Checkbox { width: auto; }

        &.-whole { column-span: 2; }
        &.-changed .label, &.-wrong .label { text-style: bold; }
        &.-here .label { text-style: bold underline; }
        &.-wrong .label { color: $text-error; }
    }
    """

    @dataclass
    class Edited(Message):
        """A person has changed what stands in a field."""

        name: str
        text: str

    def __init__(self, field: Field) -> None:
        self.field, self.control, self._label = field, _control(field), LazyStatic(classes="label")
        super().__init__(self._label, self.control, classes="-whole" if field.whole_line else "")
        self._text: str | None = None
        self._choices = field.choices

    def offer(self, choices: tuple[str, ...]) -> None:
        """Let the field be chosen from other texts, or from what is in it."""
        control = self.control
        if isinstance(control, Select):
            chosen = str(control.value)
            offered = tuple(dict.fromkeys((*choices, chosen)))
            if offered != self._choices:
                self._choices = offered
                control.set_options(zip(offered, offered, strict=True))
                control.value = chosen

    def mark(self, mark: str, *, changed: bool, wrong: bool) -> None:
        """Write a sign before the label."""
        self.set_class(changed, "-changed")
        self.set_class(wrong, "-wrong")
        self._label.show(Content(f"{mark:<2}{self.field.label}"))

    def fill_in(self, text: str) -> None:
        """Put a text into the field, without a message."""
        self._text = text
        control = self.control
        if isinstance(control, Switch):
            control.value = text == "true"
        elif isinstance(control, Input):
            control.value = text
        else:
            if text not in self._choices:
                self.offer((*self._choices, text))
            control.value = text

    def on_descendant_focus(self) -> None:
        """Mark the label: without colours, a choice would not show that it has the focus."""
        self.add_class("-here")

    def on_descendant_blur(self) -> None:
        """Take the mark away."""
        self.remove_class("-here")

    @on(Input.Changed)
    @on(Checkbox.Changed)
    @on(Select.Changed)
    def _tell(self, event: Input.Changed | Checkbox.Changed | Select.Changed) -> None:
        """Tell of a change that a person has made, not of what was filled in, nor of the value at the beginning."""
        event.stop()
        value = self.control.value
        text = str(value).lower() if isinstance(value, bool) else str(value)
        if self._text is not None and text != self._text:
            self._text = text
            self.post_message(self.Edited(self.field.name, text))


def _control(field: Field) -> Switch | Input | Select[str]:
    if field.switch:
        return Switch("no", compact=True)
    if field.choices:
        options = zip(field.choices, field.choices, strict=True)
        return Select(options, value=field.choices[0], allow_blank=False, compact=True)
    line = Input(compact=True, max_length=_MAX_TEXT_LENGTH, validate_on=())
    line.cursor_blink = False  # nothing is sent while nothing happens
    return line


class DraftForm(Container):
    """Shows a draft for editing: all groups below each other or, where the style sheet says so, one of them."""

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
        line = self._rows[NAME].control
        if draft.config is not None and isinstance(line, Input):
            line.placeholder = draft.request.name_for(draft.config)  # as long as nothing is typed
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
