"""**strokes**: a family of handwritten-like characters made by rule, so that everything runs without a download.

A character (class) is one to four curved strokes; a drawing of it is the same strokes with an unsteady hand, a slant,
a scale, a shift and a pen of its own. All randomness comes from the counter-based generator Philox (Salmon et al.,
SC 2011) with (seed, class) as its key and the drawing as its counter, so character 7 looks the same whether 10 or
10,000 characters are asked for.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from engine.data import store
from engine.data.pictures import Form
from engine.errors import ResourceError, UsageError
from engine.paths import data_dir

if TYPE_CHECKING:
    from engine.data.store import ImageSet

NAME = "strokes"
FORM = Form(channels=1, size=28, ink=True)
"""What a picture to adapt to is made into."""

_RECIPE = 1  # part of the cache's name: raise it whenever a pixel of any drawing changes
_STROKES, _KNOTS, _SAMPLES = 4, 5, 48  # at most; per stroke; points along a stroke
# Random numbers for one drawing's unsteady hand; seven more are for slant and pen.
_HAND = _STROKES * _KNOTS * 2
_CHUNK = 8  # classes rendered at a time, which bounds memory


def make(classes: int = 400, drawings: int = 20, size: int = 28, seed: int = 0) -> ImageSet:
    """Return the procedural set, from the cache in the data directory if it is there.

    Its images are `[classes * drawings, 1, size, size]` uint8, ink = 255 and paper = 0. Another seed is another family
    of characters.

    Raises:
        UsageError: An argument is out of bounds.
    """
    if classes < 1 or drawings < 1 or not 8 <= size <= 256 or not 0 <= seed < 2**63:
        raise UsageError(
            "strokes need at least 1 class and 1 drawing, a size of 8 to 256 pixels and a seed of 0 or more"
        )
    cache, name = data_dir() / "cache", f"{NAME}-{_RECIPE}-{classes}x{drawings}x{size}-seed{seed}"
    try:
        return replace(store.verify(name, cache), name=NAME)
    except ResourceError:
        made = _make(classes, drawings, size, seed)
    try:
        store.save(replace(made, name=name), cache)
    except ResourceError:
        return made  # a data directory that cannot be written costs seconds, not the run
    return made


def _make(classes: int, drawings: int, size: int, seed: int) -> ImageSet:
    images = np.empty((classes, drawings, 1, size, size), dtype=np.uint8)
    for first in range(0, classes, _CHUNK):
        chunk = range(first, min(first + _CHUNK, classes))
        knots, present = zip(*(_character(seed, c) for c in chunk), strict=True)
        noise = np.array([[_uniform(seed, c, 1 + d, _HAND + 7) for d in range(drawings)] for c in chunk])
        images[first : chunk.stop, :, 0] = _draw(np.stack(knots), np.stack(present), noise, size)
    return store.make_image_set(
        NAME,
        images.reshape(-1, 1, size, size),
        [f"character{c:04d}" for c in range(classes)],
        [drawings] * classes,
        f"made by rule: recipe {_RECIPE}, seed {seed}",
    )


def _uniform(seed: int, character: int, drawing: int, count: int) -> np.ndarray:
    """Return `[count]` float64 in [0, 1), from raw Philox output, whose stream numpy promises not to change."""
    key, counter = np.array([seed, character], dtype=np.uint64), np.array([0, drawing, 0, 0], dtype=np.uint64)
    raw = np.asarray(np.random.Philox(key=key, counter=counter).random_raw(count))
    return np.ldexp((raw >> np.uint64(11)).astype(np.float64), -53)


def _character(seed: int, character: int) -> tuple[np.ndarray, np.ndarray]:
    """Return a class's `[strokes, knots, 2]` control points in [-1, 1] and which of the `[strokes]` it has.

    A stroke is a walk whose heading turns by a bend of its own plus a little at every knot: straight bars, arcs,
    hooks and waves. A later stroke starts near a knot of the one before, as the strokes of a letter mostly do.
    """
    u = iter(_uniform(seed, character, 0, 64))
    strokes = 1 + int(np.searchsorted([0.15, 0.55, 0.85], next(u), side="right"))
    knots, start = np.zeros((_STROKES, _KNOTS, 2)), np.zeros(2)
    for stroke in range(strokes):
        heading, bend, step, unrest = (
            2 * np.pi * next(u),
            2.6 * (next(u) - 0.5),
            0.3 + 0.3 * next(u),
            2.2 * next(u),
        )
        turns = [0.0, *(bend + unrest * (next(u) - 0.5) for _ in range(_KNOTS - 2))]
        headings = heading + np.cumsum(turns)
        knots[stroke, 0] = start
        knots[stroke, 1:] = start + step * np.cumsum(
            np.stack([np.cos(headings), np.sin(headings)], 1), axis=0
        )
        start = knots[stroke, int(next(u) * _KNOTS)] + 0.7 * np.array([next(u) - 0.5, next(u) - 0.5])
    return _fill_box(knots, strokes), np.arange(_STROKES) < strokes


def _fill_box(knots: np.ndarray, strokes: int) -> np.ndarray:
    low, high = knots[:strokes].min(axis=(0, 1)), knots[:strokes].max(axis=(0, 1))
    extent = np.maximum(high - low, 0.6 * (high - low).max())  # a dash stays a dash
    filled: np.ndarray = (knots - (low + high) / 2) * 1.4 / extent
    return filled


def _draw(knots: np.ndarray, present: np.ndarray, noise: np.ndarray, size: int) -> np.ndarray:
    """Render characters as `[classes, drawings, size, size]` uint8 pictures.

    Ink is the integral along the strokes of a Gaussian nib, clipped. The Gaussian separates into x and y, so a
    picture is one matrix product `[size, points] @ [points, size]`. Double precision, so that what differs between
    two machines is far below the rounding to 8 bits and they make the same picture.

    Args:
        knots: `[classes, strokes, knots, 2]` control points, from `_character`.
        present: `[classes, strokes]` which strokes there are.
        noise: `[classes, drawings, numbers]` uniform numbers, one row per drawing.
    """
    hand = 0.2 * (noise[..., :_HAND] - 0.5).reshape(*noise.shape[:2], _STROKES, _KNOTS, 2)
    path = _spline_weights() @ _affine(knots[:, None] + hand, noise[..., _HAND : _HAND + 6])
    length = np.linalg.norm(np.diff(path, axis=-2), axis=-1) * present[:, None, :, None]
    middle = ((path[..., 1:, :] + path[..., :-1, :]) / 2).reshape(*noise.shape[:2], -1, 1, 2)
    nib = (0.45 + 0.15 * noise[..., -1, None, None]) * 2 / 28
    pixel = 2 * (np.arange(size)[:, None] + 0.5) / size - 1
    near = np.exp(-0.5 * ((middle - pixel) / nib[..., None]) ** 2)
    weighted = near[..., 1] * length.reshape(*noise.shape[:2], -1, 1)
    ink = np.swapaxes(weighted, -1, -2) @ near[..., 0] / (nib * np.sqrt(2 * np.pi))
    pictures: np.ndarray = np.rint(255 * np.minimum(1.3 * ink, 1)).astype(np.uint8)
    return pictures


def _affine(points: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """Turn, slant, stretch and shift the `[..., strokes, knots, 2]` of each drawing by its `[..., 6]` numbers."""
    u = 2 * noise - 1
    angle, slant, wide, high = 0.2 * u[..., 0], 0.25 * u[..., 1], 1 + 0.15 * u[..., 2], 1 + 0.15 * u[..., 3]
    cos, sin = np.cos(angle), np.sin(angle)
    x_to = np.stack([wide * cos, wide * sin], -1)
    y_to = np.stack([high * (slant * cos - sin), high * (slant * sin + cos)], -1)
    moved: np.ndarray = points @ np.stack([x_to, y_to], -2)[..., None, :, :] + 0.12 * u[..., None, None, 4:]
    return moved


def _spline_weights() -> np.ndarray:
    """Return `[samples + 1, knots]`: how a Catmull-Rom curve with its end knots doubled blends its knots."""
    at = np.linspace(0, _KNOTS - 1, _SAMPLES + 1)
    piece = np.minimum(at.astype(int), _KNOTS - 2)
    t = at - piece
    blend = (
        np.array([-t + 2 * t**2 - t**3, 2 - 5 * t**2 + 3 * t**3, t + 4 * t**2 - 3 * t**3, t**3 - t**2]) / 2
    )
    weights = np.zeros((len(at), _KNOTS))
    for neighbour, share in enumerate(blend, start=-1):
        weights[np.arange(len(at)), np.clip(piece + neighbour, 0, _KNOTS - 1)] += share
    return weights
