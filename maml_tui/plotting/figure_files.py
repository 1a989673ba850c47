"""Figures and their values as files: SVG, PNG and CSV.

Pillow, which draws the PNG, knows neither dashes, nor opacity, nor a clip, nor smooth edges; these are made here, by
masks and by drawing larger than is shown.
"""

from __future__ import annotations

import csv
import io
import math
import re
import time
from itertools import count
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from engine.files import private_dir, write_atomic
from engine.paths import state_dir
from engine.text import printable
from maml_tui.plotting.figure import DASHES, INK, Anchor, Label, Line, draw_figure
from maml_tui.plotting.frame import in_sight
from maml_tui.plotting.series import Plot, Series, Stroke

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from maml_tui.plotting.scales import Floats

_SCALE = 2
"""Pixels of the PNG picture to a pixel of the figure."""

_FINER = 2
"""Pixels drawn to a pixel of the picture, for smooth edges."""

_ZOOM = _SCALE * _FINER

_ANCHORS: dict[Anchor, str] = {"start": "ls", "middle": "ms", "end": "rs"}


def to_svg(plot: Plot, width_px: int = 720, height_px: int = 420) -> str:
    """Return a plot as a stand-alone SVG document.

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
        self, paths: list[Line], ink: str, width: float = 1, stroke: Stroke = Stroke.SOLID, opacity: float = 1
    ) -> None:
        path = "".join(f"M{_points(*corners)}" for corners in paths)
        look = f'stroke="{ink}"'
        look += f' stroke-dasharray="{" ".join(map(str, DASHES[stroke]))}"' if stroke in DASHES else ""
        look += "" if width == 1 else f' stroke-width="{width:g}"'
        look += "" if opacity == 1 else f' stroke-opacity="{opacity:g}"'
        self.elements.append(
            f'<path d="{path}" fill="none" stroke-linejoin="round" stroke-linecap="round" {look}/>'
        )

    def fill(self, outlines: list[Line], ink: str, opacity: float) -> None:
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


def to_png(plot: Plot, width_px: int = 720, height_px: int = 420) -> bytes:
    """Return a plot as a PNG file, twice as large as the figure for dense screens and for print.

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
        self, paths: list[Line], ink: str, width: float = 1, stroke: Stroke = Stroke.SOLID, opacity: float = 1
    ) -> None:
        pieces = [_corners(*piece) for path in paths for piece in _dashed(*path, stroke)]

        def draw(pen: ImageDraw.ImageDraw, value: int) -> None:
            for piece in pieces:
                pen.line(piece, value, round(width * _ZOOM), "curve")

        self._pour(draw, ink, opacity)

    def fill(self, outlines: list[Line], ink: str, opacity: float) -> None:
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


def _dashed(x: Floats, y: Floats, stroke: Stroke) -> list[Line]:
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


def series_csv(series: Sequence[Series], delimiter: str = ",") -> str:
    """Return one line `series,x,y,low,high` per sample; what is not known is empty. Numbers keep their last bit."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, lineterminator="\n")
    writer.writerow(("series", "x", "y", "low", "high"))
    for one in series:
        low, high = one.band or (np.full(len(one.x), np.nan),) * 2
        for sample in zip(one.x, one.y, low, high, strict=True):
            writer.writerow((one.label, *map(_number, sample)))
    return out.getvalue()


def _number(value: float) -> str:
    return "" if math.isnan(value) else repr(float(value)).removesuffix(".0")


def export_figure(plot: Plot, subject: str, clock: Callable[[], float] = time.time) -> tuple[Path, ...]:
    """Write a figure, and the values that it shows, into the folder of exports; nothing there is replaced.

    The files are returned in the order of `write_figure`.

    Args:
        subject: What it is of, for the names of the files: characters that no file name should have are left out.
        clock: Returns Unix seconds, for the names.

    Raises:
        ResourceError: One of them cannot be written.
    """
    folder = private_dir(state_dir() / "exports")
    moment = time.strftime("%Y%m%d-%H%M%S", time.localtime(clock()))
    stem = _free_stem(folder, f"{_slug(subject)}-{_slug(plot.y_label)}-{moment}")
    return write_figure(plot, folder, stem)


def write_figure(plot: Plot, folder: Path, stem: str) -> tuple[Path, ...]:
    """Write a figure as SVG and PNG, and the values that it shows as CSV, under a name; what is there is replaced.

    The files are returned in this order.

    Raises:
        ResourceError: One of them cannot be written.
    """
    svg, png, table = files = _files(folder, stem)
    write_atomic(svg, to_svg(plot))
    write_atomic(png, to_png(plot))
    write_atomic(table, series_csv(in_sight(plot)))
    return files


def _free_stem(folder: Path, stem: str) -> str:
    stems = (stem if number == 1 else f"{stem}-{number}" for number in count(1))
    return next(free for free in stems if not any(file.exists() for file in _files(folder, free)))


def _files(folder: Path, stem: str) -> tuple[Path, ...]:
    return tuple(folder / f"{stem}.{kind}" for kind in ("svg", "png", "csv"))


def _slug(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9._]+", "-", text).strip("-.").lower()[:60] or "plot"
