from __future__ import annotations

import json

from engine.config.presets import load_preset, preset_names


def test_presets_are_listed(maml):
    out = maml("presets", "ls")[1]
    assert [line.split()[0] for line in out.splitlines()[1:]] == preset_names()
    assert [preset["name"] for preset in json.loads(maml("presets", "ls", "--json")[1])] == preset_names()


def test_a_preset_is_shown_with_every_value(maml):
    out = maml("presets", "show", "omniglot-20w1s")[1]
    assert "source: Finn" in out
    assert "deviation: Which 1100/100/423" in out
    assert "algorithm.inner_lr" in out
    assert json.loads(maml("presets", "show", "smoke", "--json")[1])["config"]["task"]["ways"] == 5


def test_a_preset_is_printed_and_copied_byte_for_byte(maml, tmp_path):
    text = load_preset("smoke").path.read_text(encoding="utf-8")
    assert maml("presets", "show", "smoke", "--toml")[1] == text
    target = tmp_path / "mine.toml"
    assert maml("presets", "cp", "smoke", str(target))[0] == 0
    assert target.read_text(encoding="utf-8") == text


def test_a_copy_replaces_nothing_unless_forced(maml, tmp_path):
    target = tmp_path / "mine.toml"
    target.write_text("precious")
    assert maml("presets", "cp", "smoke", str(target))[0] == 2
    assert target.read_text() == "precious"
    assert maml("presets", "cp", "smoke", str(target), "--force")[0] == 0
    code, _, err = maml("presets", "cp", "smoke", str(tmp_path / "no" / "such.toml"))
    assert code == 3
    assert "no such file" in err


def test_all_problems_of_all_files_are_reported(maml, tmp_path):
    good, bad, worse = (tmp_path / name for name in ("good.toml", "bad.toml", "worse.toml"))
    good.write_text("[training]\nseed = 1\n")
    bad.write_text("[training]\nsed = 1\nmeta_lr = -1\n")
    worse.write_text("[training\n")
    code, out, err = maml("presets", "validate", str(good), str(bad), str(worse))
    assert code == 2
    assert out == f"{good}: ok\n"
    assert len(err.splitlines()) == 3
    assert "did you mean seed?" in err
    assert maml("presets", "validate", str(good))[0] == 0


def test_only_what_differs_is_shown(maml, tmp_path):
    file = tmp_path / "mine.toml"
    text = load_preset("smoke").path.read_text(encoding="utf-8")
    file.write_text(text.replace("seed = 0", "seed = 9"))
    out = maml("presets", "diff", "smoke", str(file))[1]
    assert [line.split() for line in out.splitlines()] == [
        ["option", "smoke", "mine.toml"],
        ["seed", "0", "9"],
    ]
    file.write_text(text)
    code, out, err = maml("presets", "diff", "smoke", str(file))
    assert (code, out) == (0, "")
    assert "says the same" in err
