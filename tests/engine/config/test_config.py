"""The schema, its layers and files: strict, complete, and every problem at once."""

from __future__ import annotations

import pytest

from engine.catalogue.data_sets import DATA_SETS
from engine.config.fields import all_fields, applicable_fields
from engine.config.presets import load_preset, preset_names
from engine.config.record import RunRecord, read_record
from engine.config.resolve import ConfigError, Layer, override_layer, resolve
from engine.config.schema import RunConfig, Section
from engine.config.toml import config_tables, file_layer, read_toml, write_toml
from engine.errors import UsageError
from engine.paths import assets_dir
from engine.text import nearest


def problems_of(*overrides: str, preset: str = "sinusoid-10shot") -> list[str]:
    with pytest.raises(ConfigError) as caught:
        resolve([load_preset(preset).layer, override_layer(list(overrides))])
    return caught.value.problems


def test_every_option_has_label_help_and_a_name_of_its_own():
    sections = [info.annotation for info in RunConfig.model_fields.values()]
    count = sum(len(s.model_fields) for s in sections if isinstance(s, type) and issubclass(s, Section))
    assert len(all_fields()) == count, "two sections share an option name"
    for field in all_fields().values():
        assert field.label and field.help.endswith("."), field.path


def test_every_condition_names_a_real_option_and_real_values():
    for field in all_fields().values():
        if field.when is not None:
            assert field.when.key in all_fields()


def test_later_layers_win_and_sources_are_kept():
    resolved = resolve(
        [load_preset("sinusoid-10shot").layer, override_layer(["inner_lr=0.5", "training.seed=7"])]
    )
    assert resolved.config.algorithm.inner_lr == 0.5 and resolved.config.training.seed == 7
    assert resolved.sources["inner_lr"] == "-s"
    assert resolved.sources["meta_lr"] == "preset sinusoid-10shot"
    assert resolve([]).sources["meta_lr"] == "default"


def test_all_problems_are_reported_at_once():
    found = "\n".join(problems_of("inner_lrr=1", "iterations=0", "meta_lr=fast", "training.hidden=[3]"))
    assert "unknown key inner_lrr (did you mean inner_lr?)" in found
    assert "iterations = 0: must be greater than or equal to 1" in found
    assert "meta_lr = 'fast'" in found
    assert "hidden belongs in [model], not in [training]" in found


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("ways=5", "ways has no effect here: it needs data = anything but custom-regression or sinusoid"),
        ("filters=8", "filters has no effect here"),
        ("network=conv4-pool", "network = conv4-pool does not fit data = sinusoid: choose mlp"),
        ("eval_steps=11", "curve_steps = 10 must be at least eval_steps = 11"),
        ("amplitude=[3,1]", "the first number must be below the second"),
        ("iterations=1.5", "iterations = 1.5"),
        ("seed=true", "seed = True"),
        ("inner_lr=nan", "inner_lr = nan"),
        ("data=../../etc", "data = '../../etc': use 1 to 64 of a-z, 0-9, '.', '_' and '-', starting with a"),
        ("model_class=mine", "model_class = 'mine': write package.module:Class"),
    ],
)
def test_a_bad_value_is_one_clear_sentence(override, words):
    assert any(words in problem for problem in problems_of(override))


CLASS_SPLITS = {name: entry.splits for name, entry in DATA_SETS.items() if entry.splits}


@pytest.mark.parametrize("data", CLASS_SPLITS)
def test_the_class_split_fits_the_data_and_the_committed_files(data):
    committed = {path.stem for path in (assets_dir() / "splits").glob(f"{data}-*.toml")}
    assert {f"{data}-{split}" for split in CLASS_SPLITS[data]} == committed
    network = "network=conv4-pool"
    config = resolve([override_layer([f"data={data}", network])]).config
    assert config.task.class_split == CLASS_SPLITS[data][0]
    other = next(name for name in CLASS_SPLITS if name != data)
    with pytest.raises(ConfigError, match=f"is no split of data = {data}: choose {CLASS_SPLITS[data][0]} or"):
        resolve([override_layer([f"data={data}", network, f"class_split={CLASS_SPLITS[other][0]}"])])


def test_pictures_of_one_s_own_have_no_choice_of_split():
    chosen = override_layer(["data=mine", "network=conv4-pool", "class_split=alphabets"])
    with pytest.raises(
        ConfigError, match="class_split has no effect here: it needs data = miniimagenet or omniglot"
    ):
        resolve([chosen])


def test_patience_without_validations_is_refused():
    assert problems_of("patience=3", "eval_every=0") == [
        "patience has no effect without validations: set eval_every above 0"
    ]


def test_best_checkpoints_without_validations_are_refused():
    assert problems_of("keep_best=3", "eval_every=0") == [
        "keep_best has no effect without validations: set eval_every above 0"
    ]


def test_too_few_made_up_characters_are_refused():
    assert problems_of("classes=50", preset="strokes-5w1s") == [
        "classes = 50 leaves too few validation classes for ways = 5: use 83 or more"
    ]


@pytest.mark.parametrize("text", ["", "inner_lr", "=3"])
def test_an_override_needs_key_and_value(text):
    with pytest.raises(ConfigError, match="write key=value"):
        override_layer([text])


def test_a_preset_s_own_values_may_fall_out_of_use_silently():
    chosen = override_layer(["data=strokes", "network=conv4-stride"])
    config = resolve([load_preset("sinusoid-10shot").layer, chosen]).config
    assert "hidden" not in {field.name for field in applicable_fields(config)}
    assert config.model.hidden == RunConfig().model.hidden


def test_unknown_sections_and_stray_values_are_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"unknown section \[trainning\] \(did you mean training\?\)"):
        resolve([Layer("run.toml", {"trainning": {"seed": 1}})])
    path = tmp_path / "run.toml"
    path.write_text("seed = 3\n[training]\nmeta_lr = 0.1\n")
    with pytest.raises(UsageError, match="seed = 3 stands outside a section"):
        file_layer(path)


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"[task\n", "not valid TOML"), (b"\xff\xfe", "not a text file"), (None, "cannot read")],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path, content, words):
    path = tmp_path / "run.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UsageError, match=words):
        read_toml(path)


@pytest.mark.parametrize("name", preset_names())
def test_a_run_s_own_file_gives_the_same_configuration_again(name, tmp_path):
    preset = load_preset(name)
    resolved = resolve([preset.layer, override_layer(["seed=5"])])
    record = RunRecord(
        resolved, "a name", "cpu", "maml train", {"name": name, "sha256": preset.sha256}, {"data": "x"}
    )
    path = tmp_path / "config.toml"
    path.write_text(record.to_toml("7f3a"))
    again = read_record(path)
    assert again.resolved.config == resolved.config and again.resolved.sources == resolved.sources
    assert (again.name, again.device, again.command, again.fingerprint) == (
        "a name",
        "cpu",
        "maml train",
        {"data": "x"},
    )
    assert resolve([file_layer(path)]).config == resolved.config, "a run's file is a run file too"


@pytest.mark.parametrize("name", preset_names())
def test_presets_say_every_option_that_has_an_effect(name):
    preset = load_preset(name)
    resolved = preset.resolved()
    said = {name for name, source in resolved.sources.items() if source != "default"}
    time_and_memory = {"keep_best", "task_chunk", "checkpoint_inner"}
    unsaid = {f.name for f in applicable_fields(resolved.config)} - said - time_and_memory
    assert not unsaid, "a preset must not change when a default does"
    assert preset.title and preset.summary and write_toml(config_tables(resolved.config))


PAPER = {
    # name: iterations, meta-batch, alpha, steps in training, at test, K, queries in training, at test, clip
    "sinusoid-5shot": (70_000, 25, 0.01, 1, 10, 5, 5, 5, 0),
    "sinusoid-10shot": (70_000, 25, 0.01, 1, 10, 10, 10, 10, 0),
    "omniglot-5w1s": (60_000, 32, 0.4, 1, 3, 1, 1, 1, 0),
    "omniglot-5w5s": (60_000, 32, 0.4, 1, 3, 5, 5, 5, 0),
    "omniglot-20w1s": (60_000, 16, 0.1, 5, 5, 1, 1, 1, 0),
    "omniglot-20w5s": (60_000, 16, 0.1, 5, 5, 5, 5, 5, 0),
    "miniimagenet-5w1s": (60_000, 4, 0.01, 5, 10, 1, 15, 1, 10),
    "miniimagenet-5w5s": (60_000, 2, 0.01, 5, 10, 5, 15, 5, 10),
}


@pytest.mark.parametrize("name", PAPER)
def test_presets_named_after_the_paper_are_the_paper_s(name):
    config = load_preset(name).resolved().config
    assert PAPER[name] == (
        config.training.iterations,
        config.training.meta_batch_size,
        config.algorithm.inner_lr,
        config.algorithm.inner_steps,
        config.evaluation.eval_steps,
        config.task.shots,
        config.task.queries,
        config.evaluation.eval_queries,
        config.training.grad_clip,
    )
    assert config.training.meta_lr == 0.001 and config.evaluation.eval_tasks == 600
    assert config.evaluation.curve_steps == 10 and config.algorithm.algorithm == "maml"
    assert config.is_regression or config.algorithm.loss_reduction == "paper"
    assert load_preset(name).deviations


def test_an_unknown_preset_names_the_nearest():
    with pytest.raises(UsageError, match=r"did you mean omniglot-5w1s\?"):
        load_preset("omniglot-5w1")


def test_nearest_stays_silent_when_nothing_is_near():
    assert nearest("zzzz", ["inner_lr"]) == ""
