"""The templates a run can be set up from: a list with a filter, or one line that opens, whichever there is room for."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.containers import Container
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, OptionList, Select
from textual.widgets.option_list import Option

from engine.text import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from maml_tui.pages.setup.templates import Template


class TemplateList(Container):
    """Templates by group. The one that is loaded is marked; those that do not match `filter` are left out."""

    DEFAULT_CSS: ClassVar[str] = """
    TemplateList {
        & > OptionList {
            height: 1fr;
            background: transparent;
            text-wrap: nowrap;
            text-overflow: ellipsis;
        }
        & > Select { display: none; }
        & > Select:focus { text-style: bold underline; }
    }
    """

    @dataclass
    class Chosen(Message):
        """A template was chosen."""

        template: Template

    @dataclass
    class Highlighted(Message):
        """The cursor is on a template."""

        template: Template

    def __init__(self, loaded_mark: str) -> None:
        self._mark = loaded_mark
        self._templates: list[Template] = []
        self._loaded = ""
        self.filter = Input(placeholder="/ filter", compact=True, max_length=60)
        self.filter.cursor_blink = False
        self._list = OptionList(compact=True)
        self._line: Select[str] = Select([], prompt="Presets", compact=True)
        super().__init__(self.filter, self._list, self._line)

    @property
    def highlighted(self) -> Template | None:
        """The template that the cursor is on, or that is loaded where there is no list to move in."""
        place = self._list.highlighted
        if not self._list.display:
            return self._find(self._loaded)
        return None if place is None else self._find(self._list.get_option_at_index(place).id)

    def show(self, templates: Sequence[Template], loaded: str) -> None:
        """Show other templates; the one with the key `loaded` is marked."""
        self._templates = [*templates]
        with self.prevent(Select.Changed):
            self._line.set_options(
                (Content(f"{template.group}: {printable(template.name)}"), template.key)
                for template in templates
            )
        self.mark(loaded)

    def mark(self, key: str) -> None:
        """Mark the template with a key as the one that is loaded."""
        self._loaded = key
        with self.prevent(Select.Changed):
            self._line.value = key if self._find(key) else Select.NULL
        self._fill()

    def enter(self) -> None:
        """Take the focus."""
        if self._list.display:
            self._list.focus()
        else:
            self._line.focus()
            self._line.action_show_overlay()

    def forget_filter(self) -> bool:
        """Show all templates again; return whether some were left out."""
        if not self.filter.value:
            return False
        self.filter.value = ""
        self._list.focus()
        return True

    def _find(self, key: object) -> Template | None:
        return next((template for template in self._templates if template.key == key), None)

    def _fill(self) -> None:
        """List the templates that pass the filter; the cursor stays on its template, or goes to the first match."""
        before = self.highlighted
        wanted = before.key if before is not None else self._loaded
        passing = [template for template in self._templates if template.fits(self.filter.value)]
        self._list.clear_options()
        for group, templates in itertools.groupby(passing, key=lambda template: template.group):
            self._list.add_option(Option(Content.styled(group, "bold"), disabled=True))
            self._list.add_options(map(self._option, templates))
        if not passing:
            self._list.add_option(Option("nothing fits", disabled=True))
        shown = {template.key for template in passing}
        if wanted not in shown and self.filter.value and passing:
            wanted = passing[0].key
        if wanted in shown:
            self._list.highlighted = self._list.get_option_index(wanted)

    def _option(self, template: Template) -> Option:
        mark = self._mark if template.key == self._loaded else " "
        return Option(Content(f"{mark} {printable(template.name)}"), id=template.key)

    @on(Input.Changed)
    def _narrow_down(self, event: Input.Changed) -> None:
        event.stop()
        self._fill()

    @on(Input.Submitted)
    def _choose_found(self, event: Input.Submitted) -> None:
        event.stop()
        self._list.focus()
        if self.filter.value and (template := self.highlighted) is not None:
            self.post_message(self.Chosen(template))

    @on(OptionList.OptionSelected)
    def _choose(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        if (template := self._find(event.option_id)) is not None:
            self.post_message(self.Chosen(template))

    @on(Select.Changed)
    def _choose_other(self, event: Select.Changed) -> None:
        event.stop()
        if self._line.value == self._loaded:
            return
        if (template := self._find(self._line.value)) is not None:
            self.post_message(self.Chosen(template))
        else:  # the prompt
            self.mark(self._loaded)

    @on(OptionList.OptionHighlighted)
    def _highlight(self, event: OptionList.OptionHighlighted) -> None:
        event.stop()
        if self.highlighted is not None and self._list.has_focus:
            self.post_message(self.Highlighted(self.highlighted))
