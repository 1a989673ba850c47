"""Text that is painted only when it is another one than before."""

from __future__ import annotations

import textwrap

from textual.content import Content
from textual.widgets import Static


class LazyStatic(Static):
    """A `Static` for what is written often and changes seldom."""

    _shown = Content("")

    def show(self, content: Content) -> None:
        """Show `content`, unless it is shown already."""
        if not content.is_same(self._shown):
            self._shown = content
            height = self.styles.height
            self.update(content, layout=height is None or height.is_auto)


class EllipsisStatic(LazyStatic):
    """A text that ends with an ellipsis where there is no room for all of them."""

    def render(self) -> Content:
        """Return as many lines as there is room for."""
        width, height = self.content_size
        lines = textwrap.wrap(self._shown.plain, max(2, width), max_lines=max(1, height), placeholder=" …")
        return Content("\n".join(lines))
