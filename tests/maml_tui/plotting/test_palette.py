from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from maml_tui.plotting.grid import PALETTE, colour

# Machado, Oliveira & Fernandes 2009, severity 1.0.
DEFICIENCIES = {
    "none": np.eye(3),
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.01182, 0.04294, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.3039],
    ],
}
TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.072175], [0.0193339, 0.119192, 0.9503041]]
)


def linear(hex_colour):
    channels = np.array([int(hex_colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)


def lab(rgb):
    xyz = TO_XYZ @ np.clip(rgb, 0, 1) / [0.95047, 1.0, 1.08883]
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("entry", PALETTE)
def test_a_colour_is_one_of_those_that_terminals_of_256_colours_have(entry):
    assert {entry[1:3], entry[3:5], entry[5:7]} <= {"00", "5f", "87", "af", "d7", "ff"}


@pytest.mark.parametrize("deficiency", DEFICIENCIES)
def test_colours_stay_apart_for_every_kind_of_eye(deficiency):
    seen = [lab(np.array(DEFICIENCIES[deficiency]) @ linear(entry)) for entry in PALETTE]
    assert min(np.linalg.norm(a - b) for a, b in combinations(seen, 2)) > 20


@pytest.mark.parametrize("entry", PALETTE)
def test_colours_stand_out_on_dark_and_on_light_grounds(entry):
    luminance = float(TO_XYZ[1] @ linear(entry))
    assert (luminance + 0.05) / (0.0123 + 0.05) > 3
    assert 1.05 / (luminance + 0.05) > 2.4


def test_slots_beyond_the_palette_start_over():
    assert colour(len(PALETTE)) is PALETTE[0]
