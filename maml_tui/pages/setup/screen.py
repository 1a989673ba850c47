"""Setup: choose what to train, change it, see what it comes to, start it."""

from __future__ import annotations

import asyncio
import math
import time
from functools import partial
from typing import TYPE_CHECKING

from textual import on, work
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Static

from engine.config.toml import config_tables
from engine.errors import MamlError, UsageError
from engine.files import remove
from engine.text import printable
from maml_tui.pages.page import notify_errors
from maml_tui.pages.run_control import RunControlPage
from maml_tui.pages.setup.checks import Check, Estimate, Verdict, checks, visible_gpus
from maml_tui.pages.setup.draft import data_sets, form_fields
from maml_tui.pages.setup.form import DraftForm, FieldRow
from maml_tui.pages.setup.preview import DraftPreview, blocks, two_lines
from maml_tui.pages.setup.state import SetupState
from maml_tui.pages.setup.template_list import TemplateList
from maml_tui.pages.setup.templates import (
    Template,
    of_own,
    of_preset,
    own_preset,
    save_own_preset,
    templates,
)
from maml_tui.runs.new_run import create
from maml_tui.widgets.dialogs import ConfirmDialog, TextDialog
from maml_tui.widgets.lazy_static import EllipsisStatic, LazyStatic

if TYPE_CHECKING:
    from collections.abc import Mapping

    from textual.app import ComposeResult

    from maml_tui.pages.setup.state import Subject


_WIDTHS = [(0, "-bare"), (31, "-tiny"), (60, "-narrow"), (119, "-wide")]
_HEIGHTS = [(0, "-bare"), (8, "-flat"), (15, "-short"), (32, "-tall"), (38, "-roomy")]
_FIRST_PRESET = "smoke"
_CHECK_SECONDS = 5.0
_MARKS: Mapping[Verdict, str] = {"good": "✓", "note": "!", "bad": "✗"}


class SetupPage(RunControlPage, page="setup"):
    """A form for all that `maml train` takes, the presets to its left and what it comes to at its right."""

    HORIZONTAL_BREAKPOINTS = _WIDTHS
    VERTICAL_BREAKPOINTS = _HEIGHTS
    AUTO_FOCUS = "TemplateList > OptionList, TemplateList > Select"

    def __init__(self) -> None:
        super().__init__()
        self._problems, self._brief = LazyStatic(id="problems"), LazyStatic(id="brief")
        self._help = EllipsisStatic(id="help")
        self._stale = True
        self._checks: list[Check] = []
        self._checked = -math.inf
        self._measuring_since: float | None = None

    def body(self) -> ComposeResult:
        """Yield presets, form and preview; in a narrow window two lines stand for the preview."""
        environment = self.maml.environment
        self._state = SetupState(of_preset(_FIRST_PRESET), environment.get("MAML_DEVICE") or "auto")
        self._presets = TemplateList("●")
        self._form = DraftForm(form_fields(visible_gpus(environment)), _MARKS["bad"])
        self._preview = DraftPreview(_MARKS)
        with Horizontal(id="columns"):
            yield self._presets
            with Vertical(id="middle"):
                yield self._form
                yield self._problems
                yield self._help
            yield self._preview
        yield self._brief
        yield Static("Enlarge to 31 x 8 or more.", id="enlarge")

    def on_mount(self) -> None:
        """Show the first draft."""
        self._fill_in()

    def back(self) -> None:
        """Take one step back: show all presets again, or let go of the focus."""
        if not self._presets.forget_filter():
            super().back()

    async def pulse(self) -> None:
        """Look at the machine again now and then, and count the seconds of an estimate."""
        stale, self._stale = self._stale, False
        if stale:
            found, data = await asyncio.to_thread(lambda: (templates(), data_sets()))
        if time.monotonic() >= self._checked + _CHECK_SECONDS:
            self._checked = time.monotonic()
            draft, costs = self._state.draft, self._state.estimate.costs
            self._checks = await asyncio.to_thread(checks, draft, costs, self.maml.environment)
        if not self.app.is_running:  # it was closed meanwhile
            return
        if stale:
            self._form.offer("data", data)
            self._presets.show(found, self._state.loaded)
            self.refresh_bindings()
        self._show_preview()

    def on_resize(self) -> None:
        """Offer what the size of now has room for."""
        self.call_after_refresh(self.refresh_bindings)

    def on_screen_resume(self) -> None:
        """Look again at what there is to start from: runs have been made meanwhile."""
        self._stale, self._checked = True, -math.inf

    def on_screen_suspend(self) -> None:
        """Measure nothing for a page that was left. A dialog over it is no leaving."""
        if self.app.current_mode != self.NAME:
            self._call_off()

    def on_descendant_focus(self) -> None:
        """Explain what has the focus."""
        field, template = self._form.focused_field, self._presets.highlighted
        self._help.show(Content(printable(field.help if field else template.about if template else "")))

    @on(TemplateList.Highlighted)
    def _describe(self, event: TemplateList.Highlighted) -> None:
        self._help.show(Content(printable(event.template.about)))
        self.refresh_bindings()

    @on(TemplateList.Chosen)
    @notify_errors
    def _choose(self, event: TemplateList.Chosen) -> None:
        self._state.load(event.template)
        self._fill_in()

    @on(FieldRow.Edited)
    def _edit(self, event: FieldRow.Edited) -> None:
        self._state.edit(event.name, event.text)
        self._renew()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer what can be done now."""
        if action == "next_error":
            return bool(self._state.draft.problems)
        if action == "filter":
            return self.has_class("-wide")
        if action == "delete":
            template = self._presets.highlighted
            return template is not None and template.file is not None
        return super().check_action(action, parameters)

    async def action_start(self) -> None:
        """Start the run, or go to the first field that is wrong."""
        self.require_control()
        if self._state.draft.problems:
            self.action_next_error()
            return
        run = await asyncio.to_thread(create, self._state.draft.request.record())
        self.start(run)
        self.maml.open_run(run)

    def action_next_error(self) -> None:
        """Go to the next field that is wrong, in the order of the form."""
        problems = self._state.draft.problems
        if not self._form.go_to_next({problem.field for problem in problems}):
            raise UsageError(problems[0].sentence)

    def action_estimate(self) -> None:
        """Measure what the run would cost, or call that off."""
        subject = self._state.subject
        if self._measuring_since is not None:
            self._call_off()
        elif subject is None:
            self.action_next_error()
        else:
            self._measuring_since = time.monotonic()
            self._measure(subject)
        self._show_preview()

    def action_presets(self) -> None:
        """Go to the presets."""
        self._presets.enter()

    def action_filter(self) -> None:
        """Go to the line that filters the presets."""
        self._presets.filter.focus()

    def action_copy_command(self) -> None:
        """Copy the command that starts the same run."""
        self.maml.copy(self._state.draft.request.command(), "command")

    def action_save(self) -> None:
        """Ask for a name and save the form under it."""
        if self._state.draft.config is None:
            self.action_next_error()
            return
        dialog = TextDialog("Save as a preset of your own", hint="a name for it", check=own_preset)
        self.app.push_screen(dialog, self._save)

    def action_delete(self) -> None:
        """Ask, and delete the preset that the cursor is on."""
        template = self._presets.highlighted
        if template is not None and template.file is not None:
            question = f"Delete your preset {template.name}?"
            dialog = ConfirmDialog(question, details=str(template.file), yes="Delete", no="Keep")
            self.app.push_screen(dialog, partial(self._delete, template))

    @notify_errors
    def _save(self, name: str | None) -> None:
        if name is None:
            return
        if not own_preset(name).exists():
            self._write(name, True)
            return
        question = f"Replace your preset {name}?"
        dialog = ConfirmDialog(question, details=str(own_preset(name)), yes="Replace", no="Keep")
        self.app.push_screen(dialog, partial(self._write, name))

    @notify_errors
    def _write(self, name: str, sure: bool | None) -> None:
        config = self._state.draft.config
        if sure and config is not None:
            path = save_own_preset(name, config)
            self._state.begin(of_own(path))
            self._stale = True
            self._fill_in()
            self.maml.tell(f"saved in {path}")

    @notify_errors
    def _delete(self, template: Template, sure: bool | None) -> None:
        if sure and template.file is not None:
            remove(template.file)
            if template.key == self._state.loaded:
                self._state.begin(of_preset(_FIRST_PRESET))
            self._stale = True
            self._fill_in()

    @work(exclusive=True, group="measure")
    async def _measure(self, subject: Subject) -> None:
        # The page is shown without them.
        from engine.services.client import ask_async
        from engine.services.messages import ESTIMATE, EstimateRequest

        config, device = subject
        request = EstimateRequest(config=config_tables(config), device=device)
        try:
            costs = await ask_async(ESTIMATE, request, self.maml.environment)
            estimate = Estimate(costs=costs)
        except MamlError as error:
            estimate = Estimate(problem=str(error))
        self._state.learn(subject, estimate)
        self._measuring_since, self._checked = None, -math.inf
        self._show_preview()

    def _call_off(self) -> None:
        self._measuring_since = None
        self.workers.cancel_group(self, "measure")

    def _fill_in(self) -> None:
        """Show a draft in the place of another one."""
        self._form.fill_in(self._state.draft)
        self._presets.mark(self._state.loaded)
        self._renew()

    def _renew(self) -> None:
        """Show what the draft comes to after it has changed."""
        self._checked = -math.inf
        self._call_off()
        draft = self._state.draft
        self._form.mark(draft)
        self._form.offer("class_split", self._state.splits, draft.text("class_split"))
        problems = "\n".join(printable(problem.sentence) for problem in draft.problems)
        self._problems.show(Content(problems))
        self._show_preview()
        self.refresh_bindings()

    def _show_preview(self) -> None:
        draft, estimate = self._state.draft, self._state.estimate
        if self._measuring_since is not None:
            estimate = Estimate(seconds=int(time.monotonic() - self._measuring_since))
        bound = (one.binding for one in self.active_bindings.values() if one.binding.id == "setup.estimate")
        key = next(map(self.app.get_key_display, bound), "setup.estimate")
        self._preview.show(blocks(draft, estimate, key), self._checks)
        brief = two_lines(draft, estimate, self._checks, key)
        self._brief.show(Content("\n".join(map(printable, brief))))
