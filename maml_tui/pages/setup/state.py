"""The state of the page: the draft in the form, the drafts left half done, and the costs measured so far."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

from engine.catalogue.data_sets import data_set
from maml_tui.pages.setup.checks import Estimate
from maml_tui.pages.setup.templates import LAST, Template

if TYPE_CHECKING:
    from engine.config.schema import RunConfig
    from maml_tui.pages.setup.draft import Draft

    Subject: TypeAlias = tuple[RunConfig, str]
    """What an estimate is of: a configuration and the device asked for."""


class SetupState:
    """Keeps each template's draft as it was left, and each configuration's cost once it was measured.

    Attributes:
        draft: What the form holds.
        loaded: Key of the template that it was made from.
    """

    def __init__(self, template: Template, device: str) -> None:
        self.draft = replace(template.draft(), device=device)
        self.loaded = template.key
        self._left: dict[str, Draft] = {}
        self._measured: dict[Subject, Estimate] = {}

    def edit(self, name: str, text: str) -> None:
        """Put another text into the field `name`. A split that other data do not have gives way to one they have."""
        self.draft = self.draft.edited(name, text)
        if self.splits and self.draft.text("class_split") not in self.splits:
            self.draft = self.draft.edited("class_split", self.splits[0])

    @property
    def splits(self) -> tuple[str, ...]:
        """The splits of the chosen data that can be chosen from."""
        return data_set(self.draft.text("data")).splits

    def load(self, template: Template) -> None:
        """Take up a template where it was left; one that is loaded already starts afresh.

        Only a run brings its device along.

        Raises:
            UsageError: Its configuration is not sound.
        """
        fresh = template.draft()
        if template.group != LAST:
            fresh = replace(fresh, device=self.draft.device)
        if template.key != self.loaded:
            self._left[self.loaded] = self.draft
            fresh = self._left.get(template.key, fresh)
        self.draft, self.loaded = fresh, template.key

    def begin(self, template: Template) -> None:
        """Take up a template that has just become something else, forgetting how it was left.

        Raises:
            UsageError: Its configuration is not sound.
        """
        self._left.pop(template.key, None)
        self.load(template)

    @property
    def subject(self) -> Subject | None:
        """What to estimate; None while something is wrong with the draft."""
        config = self.draft.config
        return None if config is None else (config, self.draft.device)

    def learn(self, subject: Subject, estimate: Estimate) -> None:
        """Remember what was measured."""
        self._measured[subject] = estimate

    @property
    def estimate(self) -> Estimate:
        """What was measured of exactly this draft."""
        subject = self.subject
        return Estimate() if subject is None else self._measured.get(subject, Estimate())
