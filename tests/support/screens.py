"""What can be read on the screen of an application, and what a terminal makes of the bytes that it is sent."""

from __future__ import annotations

import pyte
from textual.app import App


def screen_strips(app):
    """Return the lines of the screen, dialogs included, with their styles."""
    return app.screen._compositor.render_strips(app.size)


def screen_rows(app):
    """Return the lines of the screen as text."""
    return ["".join(segment.text for segment in strip) for strip in screen_strips(app)]


def screen_text(app):
    """Return all that can be read on the screen."""
    return "\n".join(screen_rows(app))


class RecordedApp(App):
    """An application that keeps what it sends to its terminal.

    Attributes:
        sent: All that was sent so far.
    """

    is_headless = False  # or else Textual would send nothing

    def __init__(self, screen_type, **how):
        super().__init__(**how)
        self.screen_type = screen_type
        self.sent = ""

    def get_default_screen(self):
        return self.screen_type(id="_default")

    def on_mount(self):
        self._driver.write = self._send

    def terminal(self):
        """Return the screen of a terminal that was sent all this."""
        screen = pyte.Screen(*self.size)
        pyte.Stream(screen).feed(self.sent)
        return screen

    def _send(self, text):
        self.sent += text
