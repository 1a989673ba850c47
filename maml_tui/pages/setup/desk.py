"""What is at hand while runs are set up: the draft in the form, those left half done, and what was measured."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from engine.catalogue.data_sets import data_set
from engine.config.toml import config_tables
from engine.services.messages import EstimateRequest
from maml_tui.pages.setup.offers import LAST
from maml_tui.pages.setup.preview import Measurement

if TYPE_CHECKING:
    from maml_tui.pages.setup.draft import Draft
    from maml_tui.pages.setup.offers import Offer


class Desk:
    """Keeps each offer's draft as it was left, and each configuration's cost once it was measured.

    Args:
        offer: What to begin with.
        device: The device to begin with.

    Attributes:
        draft: What the form holds.
        loaded: Key of the offer that it was made from.
    """

    def __init__(self, offer: Offer, device: str) -> None:
        self.draft = replace(offer.draft(), device=device)
        self.loaded = offer.key
        self._left: dict[str, Draft] = {}
        self._measured: dict[str, Measurement] = {}

    def edit(self, name: str, text: str) -> None:
        """Put another text into the field `name`. A split that other data do not have gives way to one they have."""
        self.draft = self.draft.edited(name, text)
        if self.splits and self.draft.text("class_split") not in self.splits:
            self.draft = self.draft.edited("class_split", self.splits[0])

    @property
    def splits(self) -> tuple[str, ...]:
        """The splits of the chosen data that can be chosen from."""
        return data_set(self.draft.text("data")).splits

    def load(self, offer: Offer) -> None:
        """Take up an offer where it was left; one that is loaded already starts afresh.

        Only a run brings its device along.

        Raises:
            UsageError: Its configuration is not sound.
        """
        fresh = offer.draft()
        if offer.group != LAST:
            fresh = replace(fresh, device=self.draft.device)
        if offer.key != self.loaded:
            self._left[self.loaded] = self.draft
            fresh = self._left.get(offer.key, fresh)
        self.draft, self.loaded = fresh, offer.key

    def begin(self, offer: Offer) -> None:
        """Take up an offer that has just become something else, forgetting how it was left.

        Raises:
            UsageError: Its configuration is not sound.
        """
        self._left.pop(offer.key, None)
        self.load(offer)

    @property
    def request(self) -> EstimateRequest | None:
        """What to estimate; None while something is wrong with the draft."""
        config = self.draft.config
        if config is None:
            return None
        return EstimateRequest(config=config_tables(config), device=self.draft.device)

    def learn(self, request: EstimateRequest, measurement: Measurement) -> None:
        """Remember what was measured."""
        self._measured[request.model_dump_json()] = measurement

    @property
    def measurement(self) -> Measurement:
        """What was measured of exactly this draft."""
        request = self.request
        return self._measured.get(request.model_dump_json() if request else "", Measurement())
