"""Text that is painted only when it says something new."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Static


class Words(Static):
    """A `Static` for what is written often and changes seldom."""

    _said = Content("")

    def say(self, content: Content) -> None:
        """Show `content`, unless it is shown already."""
        if not content.is_same(self._said):
            self._said = content
            height = self.styles.height
            self.update(content, layout=height is None or height.is_auto)
