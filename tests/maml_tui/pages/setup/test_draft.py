"""A draft: the same configuration as the command it shows, and every problem at the field that has it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from engine.config.presets import load_preset, preset_names
from maml_tui.pages.setup.draft import NAME, Base, Draft, Problem


@pytest.mark.parametrize("preset", preset_names())
def test_an_untouched_draft_is_its_preset(draft, preset):
    untouched = draft(preset)
    assert untouched.config == load_preset(preset).resolved().config
    assert (untouched.problems, untouched.changed) == ((), ())
    assert untouched.request.command() == f"maml train {preset}"


def test_what_was_typed_is_what_the_command_says(draft):
    edited = replace(draft("sinusoid-5shot", hidden="8, 8", meta_lr="1e-4"), name="mine", device="cpu")
    assert edited.request.command() == (
        "maml train sinusoid-5shot -s 'hidden=[8, 8]' -s meta_lr=1e-4 --name mine --device cpu"
    )
    assert edited.config == edited.request.record().resolved.config
    assert edited.config.model.hidden == (8, 8)
    assert edited.changed == ("hidden", "meta_lr")


@pytest.mark.parametrize("text", ["0.003", "3e-3", " 0.0030 "])
def test_a_text_that_says_what_the_preset_says_is_no_change(draft, text):
    assert draft("smoke", meta_lr="1").edited("meta_lr", text).edits == {}


def test_a_whole_number_may_stand_for_a_real_one_and_nothing_else(draft):
    assert draft("omniglot-5w1s", grad_clip="0").edits == {}
    assert draft("smoke", seed="0.0").problems[0].field == "seed"
    assert draft("smoke", seed="false").problems[0].field == "seed"


@pytest.mark.parametrize(
    ("option", "text", "words"),
    [
        ("inner_lr", "o.1", "inner_lr = 'o.1': must be a valid number"),
        ("inner_lr", "", "inner_lr = '': must be a valid number"),
        ("ways", "1", "ways = 1: must be greater than or equal to 2"),
        ("curve_steps", "1", "curve_steps = 1 must be at least eval_steps = 3"),
        ("network", "mlp", "network = mlp does not fit data = strokes"),
        ("data", "../etc", "data = '../etc'"),
    ],
)
def test_a_bad_text_is_told_at_its_field(draft, option, text, words):
    bad = draft("smoke", **{option: text})
    assert bad.config is None
    assert [problem.field for problem in bad.problems] == [option]
    assert bad.problems[0].sentence.startswith(words)
    assert bad.text(option) == text


def test_problems_come_in_the_order_of_the_form(draft):
    bad = replace(draft("smoke", eval_tasks="x", ways="1", meta_lr="0"), name="a b")
    assert [problem.field for problem in bad.problems] == ["ways", "meta_lr", "eval_tasks", NAME]


def test_a_bad_name_is_a_problem_of_its_own(draft):
    bad = replace(draft(), name="a b")
    assert bad.config is not None
    assert bad.problems == (
        Problem(
            NAME,
            "'a b' cannot name a run: use 1 to 64 letters, digits, '.', '-' or '_', starting with a letter or digit.",
        ),
    )


def test_options_without_effect_are_left_out_and_kept_for_later(draft):
    images = draft("smoke", filters="8")
    curves = images.edited("data", "sinusoid").edited("network", "mlp")
    assert "filters" not in curves.applicable and "hidden" in curves.applicable
    assert curves.changed == ("data", "network")
    assert curves.config is not None and curves.config.is_regression
    again = curves.edited("data", "strokes").edited("network", "conv4-stride")
    assert again.config is not None and again.config.model.filters == 8


def test_what_a_file_says_can_be_put_out_of_use(draft, tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text(
        '[task]\ndata = "strokes"\nways = 7\nclasses = 200\n[model]\nnetwork = "conv4-pool"\nfilters = 8\n'
    )
    mine = Draft(Base.of_file(file, "mine"))
    assert mine.request.command() == f"maml train -c {file}"
    curves = mine.edited("data", "sinusoid").edited("network", "mlp")
    assert curves.problems == ()
    assert curves.config == curves.request.record().resolved.config


def test_a_file_that_is_gone_is_a_problem_without_a_field(draft, tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text("")
    mine = Draft(Base.of_file(file, "mine"))
    Path(file).unlink()
    assert mine.problems == (Problem("", f"cannot read {file}: No such file or directory"),)


def test_the_text_of_every_field_reads_back(draft):
    for preset in preset_names():
        untouched = draft(preset)
        for option in untouched.applicable:
            assert untouched.edited(option, untouched.text(option)).edits == {}, option
