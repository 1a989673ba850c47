"""A plot as an SVG figure."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from engine.text import printable
from maml_tui.plotting.figure import DASHES, INK, Label, Path, draw_figure
from maml_tui.plotting.series import Plot, Stroke

if TYPE_CHECKING:
    from maml_tui.plotting.scales import Floats


def to_svg(plot: Plot, width_px: int = 720, height_px: int = 420) -> str:
    """Return a plot as a stand-alone SVG document.

    Args:
        plot: What to draw; its charset is of no account.
        width_px: Width of the figure, at least 160.
        height_px: Height of the figure, at least 160.

    Raises:
        ValueError: The figure is too small to hold its axes.
    """
    canvas = _SvgCanvas()
    draw_figure(plot, canvas, width_px, height_px)
    return "\n".join(
        (
            (
                f'<svg xmlns="http://www.w3.org/2000/svg" width="{width_px}" height="{height_px}" '
                f'viewBox="0 0 {width_px} {height_px}" font-family="Helvetica, Arial, sans-serif" font-size="12">'
            ),
            f"<title>{_text(plot.title)}</title>",
            f'<rect width="{width_px}" height="{height_px}" fill="#ffffff"/>',
            *canvas.elements,
            "</svg>",
            "",
        )
    )


class _SvgCanvas:
    """Collects the elements of a document."""

    def __init__(self) -> None:
        self.elements: list[str] = []

    def lines(
        self, paths: list[Path], ink: str, width: float = 1, stroke: Stroke = Stroke.SOLID, opacity: float = 1
    ) -> None:
        path = "".join(f"M{_points(*corners)}" for corners in paths)
        look = f'stroke="{ink}"'
        look += f' stroke-dasharray="{" ".join(map(str, DASHES[stroke]))}"' if stroke in DASHES else ""
        look += "" if width == 1 else f' stroke-width="{width:g}"'
        look += "" if opacity == 1 else f' stroke-opacity="{opacity:g}"'
        self.elements.append(
            f'<path d="{path}" fill="none" stroke-linejoin="round" stroke-linecap="round" {look}/>'
        )

    def fill(self, outlines: list[Path], ink: str, opacity: float) -> None:
        path = "".join(f"M{_points(*corners)}Z" for corners in outlines)
        self.elements.append(f'<path d="{path}" fill="{ink}" fill-opacity="{opacity:g}"/>')

    def dot(self, x: float, y: float, radius: float, ink: str) -> None:
        self.elements.append(f'<circle cx="{x:.2f}" cy="{y:.2f}" r="{radius:g}" fill="{ink}"/>')

    def text(self, label: Label) -> None:
        x, y = label.x, label.y
        look = "" if label.anchor == "start" else f' text-anchor="{label.anchor}"'
        look += "" if label.size == 12 else f' font-size="{label.size}"'
        look += ' font-weight="bold"' if label.bold else ""
        look += f' transform="rotate(-90 {x:g} {y:g})"' if label.upright else ""
        self.elements.append(f'<text x="{x:.2f}" y="{y:.2f}" fill="{INK}"{look}>{_text(label.text)}</text>')

    def clip(self, left: float, top: float, right: float, bottom: float) -> None:
        box = f'x="{left}" y="{top}" width="{right - left}" height="{bottom - top}"'
        self.elements += [f'<clipPath id="area"><rect {box}/></clipPath>', '<g clip-path="url(#area)">']

    def unclip(self) -> None:
        self.elements.append("</g>")


def _points(x: Floats, y: Floats) -> str:
    return " ".join(f"{a:.2f},{b:.2f}" for a, b in zip(x, y, strict=True))


def _text(text: str) -> str:
    return escape(printable(text))
