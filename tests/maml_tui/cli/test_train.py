from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import numpy as np
import pytest

from engine.config.record import read_record
from engine.config.resolve import resolve
from engine.config.toml import file_layer
from engine.data import store
from engine.data.splits import ClassSplit
from engine.runs.index import list_runs
from maml_tui.cli import train
from maml_tui.reports.config_text import annotated_toml, differences, toml_value
from maml_tui.runs.new_run import Request


@pytest.fixture
def started(monkeypatch):
    """Stand in for the worker: keep the record and display, answer 0."""
    found = []

    def work(run, record, display):
        found.append((run, record, display))
        return 0

    monkeypatch.setattr(train, "work", work)
    return found


def said_in(text):
    """Return the lines of a text, their columns one space apart."""
    return {" ".join(line.split()) for line in text.splitlines()}


def test_a_dry_run_is_a_run_file_that_says_the_same(maml, tmp_path, smoke):
    code, out, err = maml("train", "smoke", "-s", "meta_lr=1e-05", "--seed", "7", "--dry-run")
    assert (code, err) == (0, "")
    assert {"meta_lr = 1e-05 # -s", "iterations = 60 # preset smoke"} <= said_in(out)
    file = tmp_path / "again.toml"
    file.write_text(out)
    config = resolve([file_layer(file)]).config
    assert differences(smoke.config, config) == [("meta_lr", "0.003", "1e-05"), ("seed", "0", "7")]
    assert list_runs() == []


def test_a_dry_run_as_json(maml):
    found = json.loads(maml("train", "smoke", "--seed", "7", "--dry-run", "--json")[1])
    assert found["config"]["training"]["seed"] == 7
    assert found["sources"]["seed"] == "-s"
    assert found["sources"]["ways"] == "preset smoke"


def test_later_layers_win(maml, tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text("[training]\nseed = 5\nmeta_lr = 0.5\n")
    out = maml("train", "smoke", "-c", str(file), "-s", "seed=6", "--dry-run")[1]
    assert {f"meta_lr = 0.5 # {file}", "seed = 6 # -s"} <= said_in(out)


@pytest.mark.parametrize(
    ("words", "part"),
    [
        ([], "maml presets ls"),
        (["smok"], "did you mean smoke?"),
        (["smoke", "-s", "inner_lrr=1"], "did you mean inner_lr?"),
        (["smoke", "--name", "a b"], "cannot name a run"),
        (["smoke", "--plain", "--json"], "exclude each other"),
        (["-c", "absent.toml"], "cannot read absent.toml"),
    ],
)
def test_a_wrong_request_starts_nothing(maml, started, words, part):
    code, out, err = maml("train", *words)
    assert (code, out, started) == (2, "", [])
    assert part in err
    assert list_runs() == []


def test_all_problems_are_told_at_once(maml):
    err = maml("train", "smoke", "-s", "meta_lr=-1", "-s", "waays=3")[2]
    assert [line.startswith("maml: -s: ") for line in err.splitlines()] == [True, True]


def test_missing_data_are_noticed_before_a_run_exists(maml, started, tmp_path, monkeypatch):
    monkeypatch.setenv("MAML_DATA_DIR", str(tmp_path))
    code, _, err = maml("train", "omniglot-5w1s")
    assert (code, started, list_runs()) == (3, [], [])
    assert "maml data get omniglot" in err


@pytest.fixture
def imported(tmp_path, monkeypatch):
    """`imported(name, channels, side)`: a data set of nine classes, the last of which has fewer pictures."""
    monkeypatch.setenv("MAML_DATA_DIR", str(tmp_path))

    def build(name, channels=1, side=28):
        counts = [20] * 8 + [12]
        names = [f"c{n}" for n in range(len(counts))]
        split = ClassSplit("own", tuple(names[:3]), tuple(names[3:6]), tuple(names[6:]))
        images = np.zeros((sum(counts), channels, side, side), np.uint8)
        store.save(store.make_image_set(name, images, names, counts, "a test", split))

    return build


@pytest.mark.parametrize(
    ("channels", "side", "preset"),
    [(1, 28, "drawings"), (1, 42, "drawings"), (1, 43, "photos"), (3, 28, "photos")],
)
def test_data_alone_is_trained_by_the_preset_that_suits_it(maml, started, imported, channels, side, preset):
    imported("mine", channels, side)
    words = ["-s", "ways=3", "-s", "queries=5", "-s", "eval_queries=5"]
    assert maml("train", "--data", "mine", *words)[0] == 0
    record = read_record(started[0][0].config)
    assert (record.name, record.preset["name"], record.resolved.config.task.data) == (
        "mine-maml",
        preset,
        "mine",
    )
    assert record.command.startswith(f"maml train {preset} -s ways=3")
    assert 'data="mine"' in shlex.split(record.command)


@pytest.mark.parametrize(
    ("data", "preset"),
    [("omniglot", "omniglot-5w1s"), ("sinusoid", "sinusoid-10shot"), ("strokes", "strokes-5w1s")],
)
def test_known_data_are_trained_by_their_first_preset(maml, data, preset):
    out = maml("train", "--data", data, "--dry-run")[1]
    assert re.search(rf"shots = \d+ +# preset {preset}", out)


def test_data_go_with_a_preset_and_a_file(maml, imported, tmp_path):
    imported("mine")
    (tmp_path / "a.toml").write_text('[model]\nnetwork = "conv4-pool"\n')
    for words in (
        ["omniglot-5w1s"],
        ["omniglot-5w1s", "-c", str(tmp_path / "a.toml")],
        ["-c", str(tmp_path / "a.toml")],
    ):
        out = maml("train", *words, "--data", "mine", "--dry-run")[1]
        assert re.search(r'^data = "mine" +# -s$', out, re.MULTILINE)


def test_too_few_pictures_are_told_class_by_class_before_a_run_exists(maml, imported, started):
    imported("mine")
    code, _, err = maml("train", "--data", "mine", "-s", "ways=3", "-s", "eval_queries=15")
    assert (code, started, list_runs()) == (2, [], [])
    assert "shots + queries (or eval_queries) = 16 pictures of a class, but 'c8' (test) has 12: lower" in err
    words = ["train", "--data", "mine", "-s", "ways=5"]
    assert "the train split has 3 classes, fewer than ways = 5" in maml(*words)[2]


def test_of_data_alone_the_tasks_are_as_large_as_the_pictures_allow(maml, imported, started):
    imported("mine", 3, 84)
    code, _, err = maml("train", "--data", "mine", "-s", "shots=2")
    ((run, record, _),) = started
    assert (code, err) == (0, "maml: to fit mine: ways = 3, queries = 10, eval_queries = 10\n")
    config = record.resolved.config
    assert (config.task.ways, config.task.shots, config.task.queries) == (3, 2, 10)
    assert config.evaluation.eval_queries == 10
    assert (record.resolved.sources["ways"], record.resolved.sources["shots"]) == ("to fit the data", "-s")
    assert record.command == (
        "maml train photos -s ways=3 -s queries=10 -s eval_queries=10 -s shots=2 -s 'data=\"mine\"'"
    )
    assert maml(*shlex.split(record.command)[1:])[0] == 0
    assert started[1][1].resolved.config == config
    assert read_record(run.config).resolved.config == config


def test_with_a_preset_the_tasks_are_the_presets(maml, imported, started):
    imported("mine")
    assert "fewer than ways = 5" in maml("train", "drawings", "--data", "mine")[2]
    assert started == []


@pytest.mark.parametrize(("name", "code"), [("nothing", 3), ("../x", 2), ('a"b', 2), ("7", 3)])
def test_data_that_are_not_there(maml, started, imported, name, code):
    assert maml("train", "--data", name)[0] == code
    assert (started, list_runs()) == ([], [])


def test_a_run_remembers_how_it_was_asked_for(maml, started, monkeypatch):
    monkeypatch.setenv("MAML_DEVICE", "cpu")
    assert maml("train", "smoke", "--seed", "3")[0] == 0
    ((run, record, _),) = started
    kept = read_record(run.config)
    assert (record.name, kept.name, kept.device) == ("smoke-maml", "smoke-maml", "cpu")
    assert kept.command == "maml train smoke -s seed=3 --device cpu"
    assert kept.preset["name"] == "smoke"
    assert kept.resolved.config.training.seed == 3


def test_the_stored_command_asks_for_the_same_from_anywhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("a b.toml").write_text('[task]\ndata = "sinusoid"\n')
    request = Request(None, Path("a b.toml"), ("hidden=[8, 8]",), "mine", "auto")
    words = shlex.split(request.command())
    assert words == [
        "maml",
        "train",
        "-c",
        str(tmp_path / "a b.toml"),
        "-s",
        "hidden=[8, 8]",
        "--name",
        "mine",
    ]
    assert Request(None, Path("a b.toml"), (), None, "auto").record().name == "sinusoid-maml"


@pytest.mark.parametrize(
    ("preset", "settings", "name"),
    [
        ("smoke", (), "smoke-maml"),
        ("strokes-5w1s-anil", (), "strokes-5w1s-anil"),
        ("strokes-5w1s-anil", ("algorithm=maml",), "strokes-5w1s-anil-maml"),
    ],
)
def test_a_run_without_a_name_is_called_after_its_preset_and_algorithm(preset, settings, name):
    assert Request(preset, None, settings, None, "auto").record().name == name


@pytest.mark.parametrize(
    ("value", "text"),
    [((40, 40), "[40, 40]"), (True, "true"), ("mlp", '"mlp"'), (0.1, "0.1"), (1e-05, "1e-05"), (3, "3")],
)
def test_values_are_written_as_toml(value, text):
    assert toml_value(value) == text


def test_every_section_is_written(smoke):
    headings = [line for line in annotated_toml(smoke).splitlines() if line.startswith("[")]
    assert headings == ["[task]", "[model]", "[algorithm]", "[training]", "[evaluation]"]
