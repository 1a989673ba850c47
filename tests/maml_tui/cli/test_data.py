from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from engine.data import image_sets as catalogue
from engine.data import store
from engine.data.own_images import Choices
from engine.data.splits import proportional_split
from engine.errors import ResourceError, UsageError
from engine.services import client
from engine.services.messages import DownloadReport
from maml_tui.cli import data

RUNNER = CliRunner()


@pytest.fixture(autouse=True)
def data_home(tmp_path, monkeypatch):
    home = tmp_path / "data"
    monkeypatch.setenv("MAML_DATA_DIR", str(home))
    monkeypatch.delenv("MAML_OMNIGLOT_URL", raising=False)
    return home


@pytest.fixture
def tiny():
    """A stand-in for an installed Omniglot: three classes of one picture."""
    images = np.zeros((3, 1, 28, 28), np.uint8)
    made = store.make_image_set("omniglot", images, ("a", "b", "c"), (1, 1, 1), "made by a test")
    store.save(made)
    return made


def ask(*arguments):
    """Run a command that succeeds; return (stdout, stderr)."""
    result = RUNNER.invoke(data.app, arguments, catch_exceptions=False)
    assert result.exit_code == 0
    return result.stdout, result.stderr


def fail(kind, *arguments):
    """Run a command that fails; return (its sentence, stdout)."""
    result = RUNNER.invoke(data.app, arguments)
    assert type(result.exception) is kind, result.exception
    return str(result.exception), result.stdout


def test_ls_without_a_terminal_is_plain_lines(tiny):
    lines = [line.split("\t") for line in ask("ls")[0].splitlines()]
    assert lines[0] == ["name", "status", "classes", "examples", "size", "split", "hash", "about"]
    assert lines[1][:7] == ["strokes", "built in", "-", "-", "-", "-", "-"]
    splits = "1100/100/423, 827/137/659"
    assert lines[2][:7] == ["omniglot", "installed", "3", "3", "1x28x28", splits, tiny.content_hash[:12]]


def test_ls_as_json_has_the_whole_hash(tiny, data_home):
    sets = {found["name"]: found for found in json.loads(ask("ls", "--json")[0])}
    assert sets["omniglot"]["hash"] == tiny.content_hash
    assert sets["omniglot"]["path"] == str(data_home / "omniglot")
    assert sets["strokes"]["classes"] is None


def test_ls_says_what_is_missing_damaged_or_foreign(tiny, data_home):
    store.save(store.make_image_set("mine", np.zeros((1, 1, 2, 2), np.uint8), ("a",), (1,), "my\x1b[2Jown"))
    (data_home / "omniglot" / "images.npy").write_bytes(b"")
    (data_home / "No Name").mkdir()
    (data_home / "No Name" / "index.json").touch()
    out, _ = ask("ls")
    assert "omniglot\tdamaged" in out
    assert r"my\x1b[2Jown" in out
    assert "No Name" not in out
    (data_home / "omniglot" / "index.json").unlink()
    assert "omniglot\tnot installed" in ask("ls")[0]


def test_ls_on_a_terminal_is_a_table_without_colour_if_so_wished(tiny, monkeypatch, capsys):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "160")
    data.list_sets()
    out = capsys.readouterr().out
    header, strokes, omniglot_row, *_ = out.splitlines()
    assert "status" in header
    assert strokes.split()[:3] == ["strokes", "built", "in"]
    assert omniglot_row.split()[:2] == ["omniglot", "installed"]
    assert "\t" not in out
    assert "\x1b[3" not in out


def test_import_prints_the_path_and_talks_on_stderr(tiny, monkeypatch, data_home, tmp_path):
    asked = []

    def import_it(*arguments):
        asked.append(arguments[:3])
        return store.Imported(tiny, ("it differs",))

    monkeypatch.setattr(catalogue, "import_copy", import_it)
    out, err = ask("import", "omniglot", str(tmp_path), "--skip-broken")
    assert out == f"{data_home / 'omniglot'}\n"
    assert err.splitlines() == [
        "warning: it differs",
        "omniglot: 3 classes, 3 examples of 1x28x28, split 1100/100/423, 827/137/659",
    ]
    assert asked == [("omniglot", tmp_path, Choices(skip_broken=True))]


def pictures(root, *classes, each=2):
    for number, name in enumerate(name for name in classes for _ in range(each)):
        (root / name).mkdir(parents=True, exist_ok=True)
        Image.new("L", (20, 20), number).save(root / name / f"{number}.png")
    return root


def test_pictures_of_one_s_own(tmp_path, data_home):
    folder = pictures(tmp_path / "x", "owl\n", "eel", "ray")
    out, err = ask("import", "birds", str(folder), "--size", "16", "--channels", "3")
    assert out == f"{data_home / 'birds'}\n"
    assert err.splitlines() == [
        "warning: 6 of 6 pictures were resized to 16x16",
        "warning: only one class for train and val and test, but a task takes 2 or more: add classes before you train",
        "birds: 3 classes, 6 examples of 3x16x16, split 1/1/1",
    ]
    assert "birds\tinstalled\t3\t6\t3x16x16\t1/1/1\t" in ask("ls")[0]
    assert ask("check", "birds")[0].startswith("birds\tok\t3 classes\t6 examples\t")
    assert ask("check", "birds")[0].endswith("\town 1/1/1\n")


def test_two_channels_are_refused(tmp_path):
    assert "1 channel (grey) or 3" in fail(UsageError, "import", "x", str(tmp_path), "--channels", "2")[0]


def test_a_long_import_says_how_far_it_is(capsys):
    times = iter([0, 1, 4.9, 5, 5, 9, 10, 10])
    tick = data.Ticker(lambda: next(times))
    for count in range(1, 6):
        tick("read", 1000 * count, 60_000)
    assert capsys.readouterr().err == "read 3,000 of 60,000\nread 5,000 of 60,000\n"


def test_import_of_nothing_is_refused(tmp_path):
    assert "there is nothing at" in fail(UsageError, "import", "omniglot", str(tmp_path / "x"))[0]


@pytest.mark.parametrize("name", ["mini-imagenet", "\x1b"])
def test_what_cannot_be_downloaded_names_what_can(name):
    sentence, _ = fail(UsageError, "get", name)
    assert sentence.endswith("only omniglot: bring in a copy of yours with `maml data import`")
    assert sentence.isprintable()


def test_get_downloads_from_where_it_is_told(tiny, monkeypatch, data_home):
    asked = []

    def fetch(service, request):
        asked.append(request.url)
        store.save(tiny)
        return DownloadReport(warnings=("odd",))

    monkeypatch.setattr(client, "ask", fetch)
    (data_home / "omniglot" / "images.npy").write_bytes(b"")
    out, err = ask("get", "omniglot")
    assert out == f"{data_home / 'omniglot'}\n" and "warning: odd" in err
    for url, arguments in (("http://mirror", ()), ("http://other", ("--url", "http://other"))):
        monkeypatch.setenv("MAML_OMNIGLOT_URL", "http://mirror")
        (data_home / "omniglot" / "images.npy").write_bytes(b"")
        ask("get", "omniglot", *arguments)
        assert asked[-1] == url
    assert asked[0] is None


def test_get_leaves_a_sound_set_alone(tiny, monkeypatch, data_home):
    monkeypatch.setattr(client, "ask", None)
    out, err = ask("get", "omniglot")
    assert out == f"{data_home / 'omniglot'}\n"
    assert "already there" in err


def test_check_tells_what_fits(tiny, monkeypatch):
    monkeypatch.setattr(catalogue, "splits_of", lambda found: (proportional_split("x", found.class_names),))
    for arguments in (("check",), ("check", "omniglot")):
        out, err = ask(*arguments)
        assert out == f"omniglot\tok\t3 classes\t3 examples\t{tiny.content_hash}\tproportional 1/1/1\n"
        assert "differs from the published" in err


def test_check_goes_on_after_a_damaged_set(tiny, data_home):
    images = np.zeros((3, 1, 2, 2), np.uint8)
    store.save(store.make_image_set("zebra", images, ("a", "b", "c"), (1, 1, 1), ""))
    (data_home / "omniglot" / "images.npy").write_bytes(b"")
    sentence, out = fail(ResourceError, "check")
    assert "'omniglot'" in sentence
    assert "is damaged" in sentence
    assert out.startswith("zebra\tok")


def test_check_of_nothing():
    assert ask("check") == ("", "no data set is installed\n")
    assert "maml data get omniglot" in fail(ResourceError, "check", "omniglot")[0]


def test_path(tiny, data_home):
    assert ask("path")[0] == f"{data_home}\n"
    assert ask("path", "omniglot")[0] == f"{data_home / 'omniglot'}\n"
    assert "no folder of its own" in fail(ResourceError, "path", "strokes")[0]
    fail(UsageError, "path", "../x")


def test_the_command_is_light_to_import_and_never_loads_torch():
    program = (
        "import sys, maml_tui.cli.data\n"
        "assert not {'numpy', 'PIL', 'engine.data'} & set(sys.modules)\n"
        "import engine.data.image_sets, engine.services.client\n"
        "assert 'torch' not in sys.modules\n"
    )
    root = Path(data.__file__).parents[2]
    subprocess.run([sys.executable, "-c", program], check=True, cwd=root)
