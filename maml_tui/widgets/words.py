"""Text that is painted only when it says something new."""

from __future__ import annotations

import textwrap

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


class FewWords(Words):
    """Words that end with an ellipsis where there is no room for all of them."""

    def render(self) -> Content:
        """Return as many lines as there is room for."""
        width, height = self.content_size
        lines = textwrap.wrap(self._said.plain, max(2, width), max_lines=max(1, height), placeholder=" …")
        return Content("\n".join(lines))
