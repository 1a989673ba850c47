from __future__ import annotations

import pytest

from engine.config.presets import load_preset
from engine.config.toml import config_tables, write_toml
from engine.services.apply_messages import Facts
from maml_tui.reports.result_files import model_card


@pytest.fixture
def card(result):
    def make(preset, measured=True, **changes):
        config = load_preset(preset).resolved().config
        usual = {
            "name": "demo",
            "checkpoint": "best",
            "iteration": 60,
            "parameters": 1761,
            "sha256": "ab" * 32,
            "config": write_toml(config_tables(config)),
            "fingerprint": {"data": "cd" * 32},
            "versions": {"torch": "2.13"},
            "measurements": result.measurements[:1] if measured else (),
        }
        return model_card(Facts(**usual | changes), config, "demo.safetensors")

    return make


def test_everything_a_user_of_the_file_must_know(card):
    text = card("smoke")
    for expected in (
        "# demo\n",
        "1,761 parameters learned by maml on 5-way 1-shot tasks of strokes",
        "maml adapt demo.safetensors --support support/ --query query/",
        "a folder of pictures for each of 5 new classes",
        "| **3** | **90.00 ± 0.70** |",
        "600 test tasks",
        'network = "conv4-stride"',
        f"fingerprint data: `{'cd' * 32}`",
        f"parameters sha256: `{'ab' * 32}`",
        "version torch: `2.13`",
    ):
        assert expected in text
    assert "place" not in text


def test_what_is_not_known_is_not_claimed(card):
    assert "were not measured on test tasks" in card("sinusoid-10shot", measured=False)
    assert "place host: `box`" in card("smoke", place={"host": "box"})


def test_points_are_explained_for_regression(card):
    assert "`points.csv` has a line x,y" in card("sinusoid-10shot", measured=False)
