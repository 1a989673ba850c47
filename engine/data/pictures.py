"""From the bytes of a picture file to pixels: upright, opaque, 8 bits, one or three channels, square.

What a file may hold and what becomes of it: EXIF says which way is up and is obeyed; transparent parts become white;
16 bits are scaled to 8; palettes, CMYK and the like become grey or RGB. The whole picture is resized to the square
with the Lanczos filter, as MAML's authors resized MiniImagenet (drawings: see `Form`), and nothing is cut off. Of
several frames the first counts.
"""

from __future__ import annotations

import struct
import warnings
from contextlib import contextmanager
from io import BytesIO
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from engine.errors import ResourceError
from engine.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

SUFFIXES = frozenset(
    (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".ppm", ".pgm", ".pbm")
)
_FORMATS = ("PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP", "PPM")
_MAX_PIXELS = 2**26
_GREY = frozenset(("1", "L", "LA", "La", "I", "I;16", "I;16L", "I;16B", "I;16N"))
_DAMAGE = (
    OSError,
    SyntaxError,
    ValueError,
    struct.error,
    EOFError,
    TypeError,
    KeyError,
    IndexError,
    OverflowError,
    ZeroDivisionError,
    MemoryError,
    Image.DecompressionBombError,
)


class Form(NamedTuple):
    """What every picture of a set is made into.

    Attributes:
        channels: 1 for grey, 3 for RGB.
        size: Height and width in pixels.
        ink: Whether they are drawings, dark on light, that are kept as Omniglot's are: resized by nearest neighbour,
            and ink = 255.
    """

    channels: int
    size: int
    ink: bool = False


class Header(NamedTuple):
    """What a file says of its picture, which counts as grey if it is stored without colour and without a palette."""

    grey: bool
    width: int
    height: int


@contextmanager
def opened(content: bytes, label: str) -> Iterator[Image.Image]:
    """Open a picture of up to 67 million pixels; nothing but its header has been read.

    Raises:
        ResourceError: It is no picture of a known format, too large, or whatever the block does with it fails because
            it is damaged or cut short.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of Pillow's about odd files; what matters is an error here
            with Image.open(BytesIO(content), formats=_FORMATS) as image:
                if image.width * image.height > _MAX_PIXELS:
                    raise ResourceError(
                        f"{printable(label)} has {image.width}x{image.height} pixels: the most are {_MAX_PIXELS:,}"
                    )
                yield image
    except _DAMAGE as error:
        reason = _reason(error) if content else "it is empty"
        raise ResourceError(f"{printable(label)} is not a whole picture ({reason})") from error


def _reason(error: Exception) -> str:
    if isinstance(error, UnidentifiedImageError):  # whose text is about Pillow's objects
        return f"its beginning is not that of {', '.join(_FORMATS)}"
    return printable(error)


def header(content: bytes, label: str) -> Header:
    """Return what the head of a picture file says; errors as for `opened`."""
    with opened(content, label) as image:
        return Header(image.mode in _GREY, image.width, image.height)


def decode(content: bytes, label: str, form: Form) -> tuple[np.ndarray, bool]:
    """Return a picture's pixels, `[channels, size, size]` uint8, and whether it had to be resized.

    Raises:
        ResourceError: See `opened`; also for numbers that are no brightness (floating point, more than 16 bits).
    """
    with opened(content, label) as image:
        plain = _opaque(_eight_bit(ImageOps.exif_transpose(image))).convert(
            "L" if form.channels == 1 else "RGB"
        )
        resized = plain.size != (form.size, form.size)
        return fitted(plain, form), resized


def fitted(image: Image.Image, form: Form) -> np.ndarray:
    """Return an `L` or `RGB` image as `[channels, size, size]` uint8."""
    if image.size != (form.size, form.size):
        resampling = Image.Resampling.NEAREST if form.ink else Image.Resampling.LANCZOS
        image = image.resize((form.size, form.size), resampling)
    pixels = np.asarray(image).reshape(form.size, form.size, form.channels).transpose(2, 0, 1)
    return 255 - pixels if form.ink else pixels


def _eight_bit(image: Image.Image) -> Image.Image:
    if not image.mode.startswith(("I", "F")):
        return image
    values = np.asarray(image)
    if image.mode == "F" or values.min() < 0 or values.max() > 0xFFFF:
        raise ValueError("its numbers are no brightness of 8 or 16 bits")
    return Image.fromarray(((values.astype(np.uint32) * 255 + 0x7FFF) // 0xFFFF).astype(np.uint8))


def _opaque(image: Image.Image) -> Image.Image:
    if not image.has_transparency_data:
        return image
    paper = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(paper, image.convert("RGBA"))
