"""One field of the form: a mark, a label and what it is filled in with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.widgets import Checkbox, Input, Select

from maml_tui.widgets.words import Words

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from maml_tui.drafting.fields import Field

_LONGEST_TEXT = 120


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
        super().__init__(classes="-whole" if field.whole_line else "")
        self.field = field
        self.control = _control(field)
        self._label = Words(classes="label")
        self._text: str | None = None
        self._choices = field.choices

    def compose(self) -> ComposeResult:
        """Yield label and control."""
        yield self._label
        yield self.control

    def offer(self, choices: tuple[str, ...]) -> None:
        """Let the field be chosen from other texts, or from what is in it."""
        control = self.control
        if isinstance(control, Select):
            chosen = str(control.value)
            offered = tuple(dict.fromkeys((*choices, chosen)))
            if offered != self._choices:
                self._choices = offered
                control.set_options(_options(offered))
                control.value = chosen

    def hint(self, text: str) -> None:
        """Show what counts as long as nothing is typed."""
        if isinstance(self.control, Input):
            self.control.placeholder = text

    def mark(self, mark: str, *, changed: bool, wrong: bool) -> None:
        """Write a sign before the label."""
        self.set_class(changed, "-changed")
        self.set_class(wrong, "-wrong")
        self._label.say(Content(f"{mark:<2}{self.field.label}"))

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
        return Select(_options(field.choices), value=field.choices[0], allow_blank=False, compact=True)
    line = Input(compact=True, max_length=_LONGEST_TEXT, validate_on=())
    line.cursor_blink = False  # nothing is sent while nothing happens
    return line


def _options(texts: tuple[str, ...]) -> list[tuple[str, str]]:
    return [(text, text) for text in texts]
