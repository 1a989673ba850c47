"""A plot as a PNG picture, for programs that take no SVG: the canvas of a figure on top of Pillow's `ImageDraw`.

Pillow draws neither dashes, nor opacity, nor a clip, nor smooth edges; these are made here, by masks and by drawing
larger than is shown.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from maml_tui.plotting.figure import DASHES, INK, Anchor, Label, Path, draw_figure
from maml_tui.plotting.series import Plot, Stroke

if TYPE_CHECKING:
    from collections.abc import Callable

    from maml_tui.plotting.scales import Floats

_SCALE = 2
"""Pixels of the picture to a pixel of the figure."""

_FINER = 2
"""Pixels drawn to a pixel of the picture, for smooth edges."""

_ZOOM = _SCALE * _FINER

_ANCHORS: dict[Anchor, str] = {"start": "ls", "middle": "ms", "end": "rs"}


def to_png(plot: Plot, width_px: int = 720, height_px: int = 420) -> bytes:
    """Return a plot as a PNG file, twice as large as the figure for dense screens and for print.

    Args:
        plot: What to draw; its charset is of no account.
        width_px: Width of the figure, at least 160.
        height_px: Height of the figure, at least 160.

    Raises:
        ValueError: The figure is too small to hold its axes.
    """
    canvas = _PngCanvas(width_px, height_px)
    draw_figure(plot, canvas, width_px, height_px)
    file = io.BytesIO()
    canvas.picture.reduce(_FINER).save(file, "PNG", optimize=True)
    return file.getvalue()


class _PngCanvas:
    """A white picture; its pixels are `_ZOOM` to a pixel of the figure."""

    def __init__(self, width: int, height: int) -> None:
        self.picture = Image.new("RGB", (width * _ZOOM, height * _ZOOM), "white")
        self._area: tuple[int, int, int, int] | None = None

    def lines(
        self, paths: list[Path], ink: str, width: float = 1, stroke: Stroke = Stroke.SOLID, opacity: float = 1
    ) -> None:
        pieces = [_corners(*piece) for path in paths for piece in _dashed(*path, stroke)]

        def draw(pen: ImageDraw.ImageDraw, value: int) -> None:
            for piece in pieces:
                pen.line(piece, value, round(width * _ZOOM), "curve")

        self._pour(draw, ink, opacity)

    def fill(self, outlines: list[Path], ink: str, opacity: float) -> None:
        def draw(pen: ImageDraw.ImageDraw, value: int) -> None:
            for outline in outlines:
                pen.polygon(_corners(*outline), value)

        self._pour(draw, ink, opacity)

    def dot(self, x: float, y: float, radius: float, ink: str) -> None:
        self._pour(lambda pen, value: pen.circle((x * _ZOOM, y * _ZOOM), radius * _ZOOM, value), ink)

    def text(self, label: Label) -> None:
        font, anchor = ImageFont.load_default(label.size * _ZOOM), _ANCHORS[label.anchor]
        left, top, right, bottom = (round(edge) for edge in font.getbbox(label.text, anchor=anchor))
        mask = Image.new("L", (max(1, right - left) + 2, max(1, bottom - top) + 2))
        stroke = _ZOOM / 4 if label.bold else 0
        ImageDraw.Draw(mask).text((-left, -top), label.text, 255, font, anchor, stroke_width=stroke)
        # Turned to read from below, what was above the baseline lies left of it, and the end comes first.
        turned = mask.transpose(Image.Transpose.ROTATE_90) if label.upright else mask
        across, down = (top, left - right) if label.upright else (left, top)
        self.picture.paste(INK, (round(label.x * _ZOOM) + across, round(label.y * _ZOOM) + down), turned)

    def clip(self, left: float, top: float, right: float, bottom: float) -> None:
        self._area = (int(left * _ZOOM), int(top * _ZOOM), int(right * _ZOOM), int(bottom * _ZOOM))

    def unclip(self) -> None:
        self._area = None

    def _pour(self, draw: Callable[[ImageDraw.ImageDraw, int], None], ink: str, opacity: float = 1) -> None:
        """Draw a mask and pour a colour through the part of it that lies in the clip."""
        mask = Image.new("L", self.picture.size)
        draw(ImageDraw.Draw(mask), round(255 * opacity))
        box = self._area or mask.getbbox()
        if box:
            self.picture.paste(ink, box, mask.crop(box))


def _corners(x: Floats, y: Floats) -> list[float]:
    interleaved: list[float] = (np.stack([x, y], axis=1) * _ZOOM).ravel().tolist()
    return interleaved


def _dashed(x: Floats, y: Floats, stroke: Stroke) -> list[Path]:
    """Return the pieces of a line that are drawn, by its length so far."""
    if stroke not in DASHES:
        return [(x, y)]
    way = np.concatenate([[0.0], np.cumsum(np.hypot(np.diff(x), np.diff(y)))])
    lengths = DASHES[stroke]
    drawn = np.cumsum((0.0, *lengths))[:-1].reshape(-1, 2)
    dashes = (np.arange(0.0, way[-1], sum(lengths))[:, None, None] + drawn).reshape(-1, 2)
    pieces = []
    for start, stop in dashes[dashes[:, 0] < way[-1]].clip(max=way[-1]):
        inside = slice(*np.searchsorted(way, (start, stop), side="right"))
        at = np.concatenate([[start], way[inside], [stop]])
        pieces.append((np.interp(at, way, x), np.interp(at, way, y)))
    return pieces
