"""The styles of a plot's cells, as far as the terminal and the theme allow colours."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from rich.style import Style
from textual.color import Color

from maml_tui.plotting.grid import Role, role_of, slot_of
from maml_tui.plotting.palette import colour

if TYPE_CHECKING:
    from textual.widget import Widget

_TINT, _TINT_IN_256 = 0.3, 0.4
"""How strong a band's colour is on its ground. In 256 colours a weak tint of black would still be black."""

_FAINT = 0.5


@dataclass(frozen=True)
class Ink:
    """The styles on one ground.

    Attributes:
        ground: The colour behind the plot; None where it is not known, because the terminal chooses it.
        coloured: Whether series may have their colours.
        deep: Whether there are more than 256 colours.
        base: Style of all that has no style of its own, and beneath all others.
        axis: Style of lines around the plot.
        label: Style of what is written there.
        crosshair: Style of the crosshair.
    """

    ground: Color | None
    coloured: bool
    deep: bool
    base: Style
    axis: Style
    label: Style
    crosshair: Style

    @classmethod
    def of(cls, widget: Widget) -> Ink:
        """Return the styles for a widget, in the place and the theme that it is in."""
        app = widget.app
        system = app.console.color_system
        blended = system in ("256", "truecolor") and not (app.no_color or app.native_ansi_color)
        return cls(
            ground=widget.background_colors[1] if blended else None,
            coloured=not app.no_color,
            deep=system == "truecolor",
            base=widget.rich_style,
            axis=widget.get_component_rich_style("plot--axis"),
            label=widget.get_component_rich_style("plot--label"),
            crosshair=widget.get_component_rich_style("plot--crosshair"),
        )

    @property
    def tints(self) -> bool:
        """Whether bands can be shown by their ground; elsewhere they must be shaded."""
        return self.ground is not None

    def style(self, code: int, band: int) -> Style:
        """Return the style of a cell, given its entries in `Grid.styles` and `Grid.bands`."""
        return _cell(self, code, band)

    def foreground(self, role: Role, slot: int) -> Style:
        """Return the style of what is drawn."""
        if role < Role.RAW:
            styles = {Role.AXIS: self.axis, Role.LABEL: self.label, Role.CROSSHAIR: self.crosshair}
            return styles.get(role, Style())
        bold = role is Role.NAME or None
        if not self.coloured:
            return Style(bold=bold, dim=role is Role.RAW or None)
        ink = Color.parse(colour(slot).hex)
        if role is Role.RAW or role is Role.BAND:
            if self.ground is None:
                return Style(color=ink.rich_color, dim=True)
            ink = self.ground.blend(ink, _FAINT)
        return Style(color=ink.rich_color, bold=bold)

    def background(self, slot: int) -> Style:
        """Return the style of a cell inside the confidence band of a series."""
        if self.ground is None:
            return Style()
        strength = _TINT if self.deep else _TINT_IN_256
        return Style(bgcolor=self.ground.blend(Color.parse(colour(slot).hex), strength).rich_color)


@cache
def _cell(ink: Ink, code: int, band: int) -> Style:
    style = ink.base + ink.foreground(role_of(code), slot_of(code))
    return style + ink.background(band - 1) if band else style
