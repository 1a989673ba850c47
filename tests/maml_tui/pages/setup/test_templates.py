"""What a run can be set up from."""

from __future__ import annotations

import pytest

from engine.config.presets import preset_names
from engine.config.record import read_record
from engine.errors import UsageError
from maml_tui.pages.setup.templates import (
    LAST,
    PAPERS,
    READY,
    YOURS,
    own_preset,
    own_presets,
    save_own_preset,
    templates,
)


def named(name):
    return next(template for template in templates() if template.name.split()[0] == name)


def test_the_papers_presets_come_first():
    found = templates()
    assert [template.group for template in found] == [PAPERS] * 8 + [READY] * (len(preset_names()) - 8)
    assert sorted(template.name for template in found) == preset_names()
    for template in found:
        assert template.about and template.draft().base.preset == template.name


def test_saved_presets_are_offered_and_say_the_same(draft):
    saved = draft("smoke", filters="8", seed="5")
    path = save_own_preset("mine", saved.config)
    assert own_presets() == [path] == [own_preset("mine")]
    template = named("mine")
    assert (template.group, template.file, template.draft().config) == (YOURS, path, saved.config)
    assert template.draft().request.command() == f"maml train -c {path}"


def test_a_preset_cannot_be_saved_outside_its_folder(draft):
    with pytest.raises(UsageError, match="cannot name"):
        save_own_preset("../mine", draft().config)


def test_a_damaged_preset_is_offered_and_says_what_is_wrong(home):
    folder = home / "config" / "presets"
    folder.mkdir(parents=True)
    (folder / "bad.toml").write_text("[task]\nwayss = 3\n")
    with pytest.raises(UsageError, match="did you mean ways"):
        named("bad").draft()


def test_a_run_is_offered_as_its_preset_and_the_changes_to_it(new_run):
    run = new_run("smoke", "hidden=[3]", "data=sinusoid", "network=mlp", "meta_lr=1e-05", device="cpu")
    template = named(run.id)
    assert (template.group, template.name) == (LAST, f"{run.id} sinusoid-maml")
    assert template.about.startswith("queued · today ")
    again = template.draft()
    assert again.base.preset == "smoke" and again.device == "cpu"
    assert again.changed == ("data", "network", "hidden", "meta_lr")
    assert again.config == read_record(run.config).resolved.config
    assert again.request.record().resolved.config == again.config


def test_a_run_of_another_version_of_the_preset_is_offered_as_its_own_file(new_run):
    run = new_run("smoke", "seed=3")
    run.config.write_text(run.config.read_text().replace('sha256 = "', 'sha256 = "0'))
    again = named(run.id).draft()
    assert (again.base.preset, again.base.file, again.edits) == (None, run.config, {})
    assert again.config.training.seed == 3


def test_a_run_of_a_file_is_offered_as_its_own_file(new_run, tmp_path):
    file = tmp_path / "a.toml"
    file.write_text("[training]\nseed = 4\n")
    run = new_run(None, file=file)
    file.unlink()
    assert named(run.id).draft().config.training.seed == 4


def test_only_the_last_runs_are_offered(new_run):
    for seed in range(7):
        new_run("smoke", f"seed={seed}")
    assert [template.group for template in templates()].count(LAST) == 5


@pytest.mark.parametrize(
    ("words", "count"),
    [("", len(preset_names())), ("omni 20W", 2), ("papers sinusoid", 2), ("drawings", 3), ("nothing", 0)],
)
def test_filtering_by_words(words, count):
    assert sum(template.fits(words) for template in templates()) == count
